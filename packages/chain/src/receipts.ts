import type { Hex } from "@depinfer/protocol";
import { encodeFunctionData, parseEventLogs } from "viem";
import { ABIS } from "./abi.ts";
import type { Rpc } from "./rpc.ts";
import { type WriteResult, type Writer, writeResult } from "./writer.ts";

/** The number of a verdict on chain is its position here. */
export const VERDICTS = ["none", "pass", "inconclusive", "fail"] as const;
export type Verdict = "pass" | "inconclusive" | "fail";

export interface EpochState {
  readonly root: Hex;
  readonly count: number;
  readonly totalCost: bigint;
  /** The block whose hash decides the beacon. */
  readonly targetBlock: bigint;
  /** How often the window was missed. */
  readonly rearms: number;
  /** The block in which the root was posted, and its time as a Unix second. */
  readonly postedBlock: bigint;
  readonly postedAt: bigint;
  readonly beacon: Hex | undefined;
}

export interface EpochRoot {
  /** One more than the provider's last epoch; the first is 1. */
  readonly epoch: number;
  readonly root: Hex;
  readonly count: number;
  readonly totalCost: bigint;
}

export interface Attestation {
  readonly provider: Hex;
  readonly epoch: number;
  readonly receiptDigest: Hex;
  /** Siblings from the digest up to the epoch's root. */
  readonly proof: readonly Hex[];
  /** The receipt's runtime class. */
  readonly classId: Hex;
  readonly verdict: Verdict;
  /** Informative tokens that the verdict rests on. */
  readonly tokens: number;
  /** How many of them were not those that the validator's own scores demand. */
  readonly mismatches: number;
  /** Sum of their clipped margins, in millionths of a nat. */
  readonly marginMicros: bigint;
  /** Hash of the evidence that the validator publishes. */
  readonly evidenceHash: Hex;
}

/** What a draw did: `beacon` is undefined when the window was missed and another block was set as the target. */
export interface Draw extends WriteResult {
  readonly beacon: Hex | undefined;
}

/** Epoch roots of receipts, beacons and verdicts. */
export interface ReceiptLog {
  readonly address: Hex;
  postRoot(root: EpochRoot): Promise<WriteResult>;
  /** The provider's last epoch; 0 if it posted none. */
  lastEpoch(provider: Hex): Promise<number>;
  epoch(provider: Hex, epoch: number): Promise<EpochState | undefined>;
  /** Draws the beacon, from two blocks after the root was posted. */
  drawBeacon(provider: Hex, epoch: number): Promise<Draw>;
  /** The beacon, once it is drawn. */
  beacon(provider: Hex, epoch: number): Promise<Hex | undefined>;
  attest(attestation: Attestation): Promise<WriteResult>;
  verdictOf(validator: Hex, provider: Hex, receiptDigest: Hex): Promise<Verdict | undefined>;
}

const abi = ABIS.receiptLog;
const ZERO: Hex = `0x${"0".repeat(64)}`;

export function createReceiptLog({ rpc, writer, address }: { rpc: Rpc; writer: Writer; address: Hex }): ReceiptLog {
  const send = (action: string, data: Hex) => writer.send({ to: address, data, action });

  return {
    address,
    postRoot: ({ epoch, root, count, totalCost }) =>
      send(
        "receipts.postRoot",
        encodeFunctionData({ abi, functionName: "postRoot", args: [BigInt(epoch), root, count, totalCost] }),
      ),
    async lastEpoch(provider) {
      const last = await rpc.ask("receipts.lastEpoch", (client) =>
        client.readContract({ address, abi, functionName: "lastEpoch", args: [provider] }),
      );
      return Number(last);
    },
    async epoch(provider, epoch) {
      const state = await rpc.ask("receipts.epoch", (client) =>
        client.readContract({ address, abi, functionName: "epoch", args: [provider, BigInt(epoch)] }),
      );
      return state.root === ZERO ? undefined : { ...state, beacon: nonZero(state.beacon) };
    },
    async drawBeacon(provider, epoch) {
      const receipt = await writer.sendForReceipt({
        to: address,
        data: encodeFunctionData({ abi, functionName: "drawBeacon", args: [provider, BigInt(epoch)] }),
        action: "receipts.drawBeacon",
      });
      const [drawn] = parseEventLogs({ abi, logs: receipt.logs, eventName: "BeaconDrawn" });
      return { ...writeResult(receipt), beacon: drawn?.args.beacon };
    },
    async beacon(provider, epoch) {
      return nonZero(
        await rpc.ask("receipts.beacon", (client) =>
          client.readContract({ address, abi, functionName: "beacon", args: [provider, BigInt(epoch)] }),
        ),
      );
    },
    attest: ({ provider, epoch, receiptDigest, proof, verdict, ...finding }) =>
      send(
        "receipts.attest",
        encodeFunctionData({
          abi,
          functionName: "attest",
          args: [provider, BigInt(epoch), receiptDigest, proof, { ...finding, verdict: VERDICTS.indexOf(verdict) }],
        }),
      ),
    async verdictOf(validator, provider, receiptDigest) {
      const number = await rpc.ask("receipts.verdictOf", (client) =>
        client.readContract({ address, abi, functionName: "verdictOf", args: [validator, provider, receiptDigest] }),
      );
      const verdict = VERDICTS[number];
      return verdict === "none" ? undefined : verdict;
    },
  };
}

function nonZero(word: Hex): Hex | undefined {
  return word === ZERO ? undefined : word;
}
