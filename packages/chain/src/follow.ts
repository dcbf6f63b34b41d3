import { setTimeout as sleep } from "node:timers/promises";
import type { Hex } from "@depinfer/protocol";
import {
  BlockNotFoundError,
  type ContractEventName,
  type Log,
  type ParseEventLogsReturnType,
  parseEventLogs,
} from "viem";
import { ABIS, type ContractName } from "./abi.ts";
import { contractAt, type Deployment } from "./deployment.ts";
import type { Rpc } from "./rpc.ts";

type Decoded<C extends ContractName> = ParseEventLogsReturnType<
  (typeof ABIS)[C],
  ContractEventName<(typeof ABIS)[C]>[],
  true
>[number];

/**
 * A decoded event: `contract`, `eventName` and `args`, then where it is (`blockNumber`, `blockHash`, `transactionHash`,
 * `logIndex`). Tell events apart by `eventName`. Addresses are in lower case.
 */
export type ChainEvent =
  | (Decoded<"testUsd"> & { readonly contract: "testUsd" })
  | (Decoded<"channels"> & { readonly contract: "channels" })
  | (Decoded<"providerRegistry"> & { readonly contract: "providerRegistry" })
  | (Decoded<"stakeVault"> & { readonly contract: "stakeVault" })
  | (Decoded<"receiptLog"> & { readonly contract: "receiptLog" })
  | (Decoded<"validatorSet"> & { readonly contract: "validatorSet" })
  | (Decoded<"disputes"> & { readonly contract: "disputes" })
  | (Decoded<"refundInsurance"> & { readonly contract: "refundInsurance" })
  | (Decoded<"feeSplitter"> & { readonly contract: "feeSplitter" })
  | (Decoded<"passes"> & { readonly contract: "passes" });

/**
 * Events of blocks `fromBlock` to `toBlock`. The batch replaces whatever the reader knew of `fromBlock` and later
 * blocks: after a reorganisation the same numbers come again with other contents.
 */
export interface EventBatch {
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
  /** True when blocks that were delivered before are no longer part of the chain. */
  readonly rewound: boolean;
  readonly events: readonly ChainEvent[];
}

export interface FollowOptions {
  readonly fromBlock: bigint;
  /** Called for one batch after another, in order; the next is read once the returned promise is settled. */
  readonly onLogs: (batch: EventBatch) => void | Promise<void>;
  readonly signal: AbortSignal;
  /** Told of each failure to read; the follower goes on trying. */
  readonly onError?: (error: unknown) => void;
  readonly pollMs?: number;
  /** By default all but the token, whose transfers on a public chain are a flood of other people's. */
  readonly contracts?: readonly ContractName[];
}

/** Blocks per request: public endpoints refuse ranges above a few thousand. */
const RANGE = 2_000n;
/** Heads kept to find where a fork began; an older fork is read again from `fromBlock`. */
const REMEMBERED_HEADS = 1_024;
const FOLLOWED: readonly ContractName[] = [
  "channels",
  "providerRegistry",
  "stakeVault",
  "receiptLog",
  "validatorSet",
  "disputes",
  "refundInsurance",
  "feeSplitter",
  "passes",
];

interface Head {
  readonly number: bigint;
  readonly hash: Hex;
}

/**
 * Reads events until `signal` aborts, then returns. Blocks are identified by hash: when the last block read is gone
 * (a reorganisation, or a local chain that was killed and forgot its last seconds), reading starts again after the
 * newest block that still exists. A read that fails is repeated; an error of `onLogs` ends the following.
 */
export async function follow(
  { rpc, deployment }: { readonly rpc: Rpc; readonly deployment: Deployment },
  { fromBlock, onLogs, signal, onError, pollMs = 500, contracts = FOLLOWED }: FollowOptions,
): Promise<void> {
  const heads: Head[] = [];
  let next = fromBlock;
  let rewound = false;

  /** Drops heads that left the chain and moves `next` back behind the newest that is still in it. */
  async function rewind(): Promise<void> {
    for (let last = heads.at(-1); last !== undefined; last = heads.at(-1)) {
      if ((await blockHash(rpc, last.number)) === last.hash) {
        return;
      }
      heads.pop();
      rewound = true;
      next = (heads.at(-1)?.number ?? fromBlock - 1n) + 1n;
    }
  }

  async function readBatch(): Promise<{ batch: EventBatch; head: Head } | undefined> {
    await rewind();
    const latest = await rpc.ask("follow", (client) => client.getBlockNumber());
    if (latest < next) {
      return undefined;
    }
    const toBlock = latest < next + RANGE ? latest : next + RANGE - 1n;
    // The hash is read first: if the chain changes while the logs are read, the next rewind notices.
    const hash = await blockHash(rpc, toBlock);
    if (hash === undefined) {
      return undefined;
    }
    const events = await readEvents(rpc, deployment, contracts, next, toBlock);
    return { batch: { fromBlock: next, toBlock, rewound, events }, head: { number: toBlock, hash } };
  }

  while (!signal.aborted) {
    let read: Awaited<ReturnType<typeof readBatch>>;
    try {
      read = await readBatch();
    } catch (error) {
      onError?.(error);
    }
    if (read === undefined) {
      await pause(pollMs, signal);
      continue;
    }
    if (signal.aborted) {
      return;
    }
    await onLogs(read.batch);
    heads.push(read.head);
    if (heads.length > REMEMBERED_HEADS) {
      heads.shift();
    }
    next = read.head.number + 1n;
    rewound = false;
  }
}

/** Events of `contracts` from the deployment up to `toBlock`, in order, in as many requests as their range takes. */
export async function eventsUpTo(
  { rpc, deployment }: { readonly rpc: Rpc; readonly deployment: Deployment },
  contracts: readonly ContractName[],
  toBlock: bigint,
): Promise<ChainEvent[]> {
  const events: ChainEvent[] = [];
  for (let from = BigInt(deployment.block); from <= toBlock; from += RANGE) {
    const last = from + RANGE - 1n;
    events.push(...(await readEvents(rpc, deployment, contracts, from, last < toBlock ? last : toBlock)));
  }
  return events;
}

async function readEvents(
  rpc: Rpc,
  deployment: Deployment,
  contracts: readonly ContractName[],
  fromBlock: bigint,
  toBlock: bigint,
): Promise<ChainEvent[]> {
  const address = contracts.map((name) => deployment.addresses[name]);
  const logs = await rpc.ask("follow", (client) => client.getLogs({ address, fromBlock, toBlock }));
  const events = logs.flatMap((log) => decode(contractAt(deployment, log.address), log));
  for (const { args } of events) {
    lowerAddresses(args);
  }
  return events;
}

/** One branch per contract, because only a literal name ties an event to its own arguments. */
function decode(contract: ContractName | undefined, log: Log<bigint, number, false>): ChainEvent[] {
  const logs = [log];
  switch (contract) {
    case "testUsd":
      return parseEventLogs({ abi: ABIS.testUsd, logs }).map((event) => Object.assign(event, { contract }));
    case "channels":
      return parseEventLogs({ abi: ABIS.channels, logs }).map((event) => Object.assign(event, { contract }));
    case "providerRegistry":
      return parseEventLogs({ abi: ABIS.providerRegistry, logs }).map((event) => Object.assign(event, { contract }));
    case "stakeVault":
      return parseEventLogs({ abi: ABIS.stakeVault, logs }).map((event) => Object.assign(event, { contract }));
    case "receiptLog":
      return parseEventLogs({ abi: ABIS.receiptLog, logs }).map((event) => Object.assign(event, { contract }));
    case "validatorSet":
      return parseEventLogs({ abi: ABIS.validatorSet, logs }).map((event) => Object.assign(event, { contract }));
    case "disputes":
      return parseEventLogs({ abi: ABIS.disputes, logs }).map((event) => Object.assign(event, { contract }));
    case "refundInsurance":
      return parseEventLogs({ abi: ABIS.refundInsurance, logs }).map((event) => Object.assign(event, { contract }));
    case "feeSplitter":
      return parseEventLogs({ abi: ABIS.feeSplitter, logs }).map((event) => Object.assign(event, { contract }));
    case "passes":
      return parseEventLogs({ abi: ABIS.passes, logs }).map((event) => Object.assign(event, { contract }));
    case undefined:
      return [];
  }
}

/** viem decodes addresses with a checksum's capitals; everything else here has them in lower case. */
function lowerAddresses(args: object): void {
  for (const [name, value] of Object.entries(args)) {
    if (typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value)) {
      Reflect.set(args, name, value.toLowerCase());
    }
  }
}

/** Undefined when there is no such block: the chain went back and has not come as far again. */
function blockHash(rpc: Rpc, blockNumber: bigint): Promise<Hex | undefined> {
  return rpc.ask("follow", async (client) => {
    try {
      const { hash } = await client.getBlock({ blockNumber });
      return hash;
    } catch (error) {
      if (error instanceof BlockNotFoundError) {
        return undefined;
      }
      throw error;
    }
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // Aborted; the caller's loop looks at the signal.
  }
}
