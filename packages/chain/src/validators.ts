import type { Hex } from "@depinfer/protocol";
import { encodeFunctionData } from "viem";
import { ABIS } from "./abi.ts";
import type { ChainEvent } from "./follow.ts";
import type { Rpc } from "./rpc.ts";
import type { WriteResult, Writer } from "./writer.ts";

/** One member of the set. Addresses are in lower case. */
export interface ValidatorMember {
  readonly validator: Hex;
  /** X25519 public key to which transcripts for it are sealed. */
  readonly sealingKey: Hex;
  /** The runtime classes that it can score. */
  readonly classIds: readonly Hex[];
  /** The block of joining, or of the last change of classes. */
  readonly joinedBlock: bigint;
  /** The block in which it asked to leave; undefined while it stays. */
  readonly leavingBlock: bigint | undefined;
}

/** The validators among whom auditors and juries are drawn. */
export interface ValidatorSet {
  readonly address: Hex;
  /** The members now, leaving ones included. */
  list(): Promise<readonly ValidatorMember[]>;
  /**
   * The members as they were before block `block`, from events alone, so that anyone can repeat a draw later: pass the
   * result to `eligibleMembers` with the same block.
   */
  before(block: bigint): Promise<readonly ValidatorMember[]>;
  member(validator: Hex): Promise<ValidatorMember | undefined>;
  /** Whether it is listed, registered as a validator and has enough active stake. */
  isActive(validator: Hex): Promise<boolean>;
  /** Least active stake of a member, in units of six decimals. */
  minStake(): Promise<bigint>;
  /** Wants the role of a validator in the registry and the least stake. */
  join(entry: { readonly sealingKey: Hex; readonly classIds: readonly Hex[] }): Promise<WriteResult>;
  /** From the next block on; counts as joining anew. */
  setClasses(classIds: readonly Hex[]): Promise<WriteResult>;
  setSealingKey(sealingKey: Hex): Promise<WriteResult>;
  /** Asks to leave; `finalizeLeave` ends it 300 blocks later. */
  leave(): Promise<WriteResult>;
  /** Asks for the leave of a member that no longer qualifies. */
  evict(validator: Hex): Promise<WriteResult>;
  finalizeLeave(validator: Hex): Promise<WriteResult>;
}

/**
 * Whom the hash of block `atBlock` may draw for a class: members that joined before it, had not asked to leave before
 * it, and score the class. Sorted by address.
 */
export function eligibleMembers(members: readonly ValidatorMember[], classId: Hex, atBlock: bigint): ValidatorMember[] {
  return members
    .filter(
      ({ joinedBlock, leavingBlock, classIds }) =>
        joinedBlock < atBlock && (leavingBlock === undefined || leavingBlock >= atBlock) && classIds.includes(classId),
    )
    .sort((a, b) => (a.validator < b.validator ? -1 : 1));
}

/** Members after these events, which must be all of the set's, in order. */
export function membersAfter(events: readonly ChainEvent[]): ValidatorMember[] {
  const members = new Map<Hex, ValidatorMember>();
  for (const event of events) {
    if (event.contract !== "validatorSet") {
      continue;
    }
    const { validator } = event.args;
    const known = members.get(validator);
    if (event.eventName === "MemberJoined") {
      const { sealingKey, classIds } = event.args;
      members.set(validator, {
        validator,
        sealingKey,
        classIds,
        joinedBlock: event.blockNumber,
        leavingBlock: undefined,
      });
    } else if (event.eventName === "MemberLeft") {
      members.delete(validator);
    } else if (known !== undefined && event.eventName === "MemberClassesSet") {
      members.set(validator, { ...known, classIds: event.args.classIds, joinedBlock: event.blockNumber });
    } else if (known !== undefined && event.eventName === "SealingKeySet") {
      members.set(validator, { ...known, sealingKey: event.args.sealingKey });
    } else if (known !== undefined && event.eventName === "MemberLeaving") {
      members.set(validator, { ...known, leavingBlock: event.blockNumber });
    }
  }
  return [...members.values()];
}

const abi = ABIS.validatorSet;

interface Entry {
  readonly validator: Hex;
  readonly joinedBlock: bigint;
  readonly leavingBlock: bigint;
  readonly sealingKey: Hex;
  readonly classIds: readonly Hex[];
}

export interface ValidatorSetModules {
  readonly rpc: Rpc;
  readonly writer: Writer;
  readonly address: Hex;
  /** All events of the set from its deployment up to a block, that one included. */
  readonly eventsUpTo: (block: bigint) => Promise<readonly ChainEvent[]>;
}

export function createValidatorSet({ rpc, writer, address, eventsUpTo }: ValidatorSetModules): ValidatorSet {
  const send = (action: string, data: Hex) => writer.send({ to: address, data, action });

  return {
    address,
    async list() {
      const entries = await rpc.ask("validators.list", (client) =>
        client.readContract({ address, abi, functionName: "list" }),
      );
      return entries.map(toMember);
    },
    before: async (block) => (block <= 0n ? [] : membersAfter(await eventsUpTo(block - 1n))),
    async member(validator) {
      const entry = await rpc.ask("validators.member", (client) =>
        client.readContract({ address, abi, functionName: "memberOf", args: [validator] }),
      );
      return entry.joinedBlock === 0n ? undefined : toMember(entry);
    },
    isActive: (validator) =>
      rpc.ask("validators.isActive", (client) =>
        client.readContract({ address, abi, functionName: "isActive", args: [validator] }),
      ),
    minStake: () =>
      rpc.ask("validators.minStake", (client) => client.readContract({ address, abi, functionName: "MIN_STAKE" })),
    join: ({ sealingKey, classIds }) =>
      send("validators.join", encodeFunctionData({ abi, functionName: "join", args: [sealingKey, classIds] })),
    setClasses: (classIds) =>
      send("validators.setClasses", encodeFunctionData({ abi, functionName: "setClasses", args: [classIds] })),
    setSealingKey: (sealingKey) =>
      send("validators.setSealingKey", encodeFunctionData({ abi, functionName: "setSealingKey", args: [sealingKey] })),
    leave: () => send("validators.leave", encodeFunctionData({ abi, functionName: "requestLeave" })),
    evict: (validator) =>
      send("validators.evict", encodeFunctionData({ abi, functionName: "evict", args: [validator] })),
    finalizeLeave: (validator) =>
      send("validators.finalizeLeave", encodeFunctionData({ abi, functionName: "finalizeLeave", args: [validator] })),
  };
}

function toMember({ validator, sealingKey, classIds, joinedBlock, leavingBlock }: Entry): ValidatorMember {
  return {
    validator: `0x${validator.slice(2).toLowerCase()}`,
    sealingKey,
    classIds,
    joinedBlock,
    leavingBlock: leavingBlock === 0n ? undefined : leavingBlock,
  };
}
