import { fromHex, type Hex, keccak, uintBytes } from "@depinfer/protocol";

/**
 * Which receipts of an epoch are audited: each one independently with probability `rate`, decided by the beacon that was
 * drawn after the epoch's root was fixed, and at least one. Anyone with the beacon finds the same set.
 */
export function selectForAudit(beacon: Hex, count: number, rate: number): number[] {
  const bytes = fromHex(beacon, 32);
  const draws = Array.from({ length: count }, (_, index) => {
    const hash = keccak(bytes, uintBytes(index, 4));
    return new DataView(hash.buffer, hash.byteOffset, 4).getUint32(0) / 2 ** 32;
  });
  const selected = draws.flatMap((draw, index) => (draw < rate ? [index] : []));
  return selected.length > 0 || count === 0 ? selected : [draws.indexOf(Math.min(...draws))];
}
