import { fromHex, type Hex, keccak } from "@depinfer/protocol";

/*
 * Who audits a receipt, and who sits on a jury. Members are ranked by
 *
 *   keccak256(beacon bytes32 ‖ subject bytes32 ‖ member address, 20 bytes), lowest first,
 *
 * which is `keccak256(abi.encodePacked(beacon, subject, member))` in the contracts. A member's rank depends on nobody
 * else, so nobody gains by the time or order of joining and leaving, and an eligible member that was left out moves up
 * exactly those behind it. `specs/vectors/audit-draw.json` holds both implementations to one another.
 */

/**
 * The `k` members of lowest rank, lowest first; all of them when there are no more. Members are addresses, in any order
 * and in either case; one that stands there twice counts once.
 *
 * @param subject what is drawn for: a receipt digest, or the id of a dispute.
 * @throws DepinferError `bytes.notHex` for a beacon or subject that is not 32 bytes, or a member that is not 20.
 * @throws RangeError for a `k` that is not a whole number of at least 0.
 */
export function drawMembers(beacon: Hex, subject: Hex, members: readonly Hex[], k: number): Hex[] {
  if (!Number.isSafeInteger(k) || k < 0) {
    throw new RangeError(`cannot draw ${k} members`);
  }
  const prefix = [fromHex(beacon, 32), fromHex(subject, 32)] as const;
  const unique = [...new Set(members.map(lowerCase))];
  return unique
    .map((member) => ({ member, rank: keccak(...prefix, fromHex(member, 20)) }))
    .sort((a, b) => compareBytes(a.rank, b.rank))
    .slice(0, k)
    .map(({ member }) => member);
}

function lowerCase(member: Hex): Hex {
  return `0x${member.slice(2).toLowerCase()}`;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}
