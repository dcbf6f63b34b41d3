import {
  type ChannelConfig,
  type Hex,
  microUsd,
  PROOF_LEVELS,
  type Receipt,
  type SignedReceipt,
  STOP_REASONS,
} from "@depinfer/protocol";
import {
  type ContractFunctionReturnType,
  encodeAbiParameters,
  encodeFunctionData,
  keccak256,
  parseEventLogs,
} from "viem";
import { ABIS } from "./abi.ts";

import type { ChainEvent } from "./follow.ts";
import { VERDICTS, type Verdict } from "./receipts.ts";
import type { Rpc } from "./rpc.ts";
import type { WriteResult, Writer } from "./writer.ts";

/** The number of a phase on chain is its position here. */
const PHASES = ["none", "drawing", "voting", "tallied", "closed"] as const;
export type DisputePhase = Exclude<(typeof PHASES)[number], "none">;
/** The number of an outcome on chain is its position here. */
const OUTCOMES = [...VERDICTS, "timeout"] as const;
export type DisputeOutcome = Exclude<(typeof OUTCOMES)[number], "none">;

/** One dispute as it is now. Addresses are in lower case, times Unix seconds, amounts units of six decimals. */
export interface DisputeState {
  readonly id: Hex;
  readonly phase: DisputePhase;
  /** 1, or 2 after an appeal. */
  readonly round: number;
  /** Of the last round that was tallied. */
  readonly outcome: DisputeOutcome | undefined;
  readonly accused: Hex;
  readonly challenger: Hex;
  /** Undefined in a dispute about a record. */
  readonly buyer: Hex | undefined;
  readonly appellant: Hex | undefined;
  /** Undefined in a dispute about a record. */
  readonly receiptDigest: Hex | undefined;
  readonly classId: Hex;
  readonly cost: bigint;
  /** The block whose hash draws the present round's jury. */
  readonly targetBlock: bigint;
  readonly openedBlock: bigint;
  /** From then on reveals are taken instead of commitments. 0 before the draw. */
  readonly commitDeadline: number;
  readonly revealDeadline: number;
  /** From then on there is no appeal. 0 before the tally. */
  readonly finalAt: number;
  /** Jurors that committed and that revealed in the present round. */
  readonly commits: number;
  readonly reveals: number;
  /** Whether it was shown to be a test of the jurors. */
  readonly salt: boolean;
}

/** What a juror commits to and reveals. */
export interface Ballot {
  readonly verdict: Verdict;
  /** Informative tokens that the verdict rests on. */
  readonly tokens: number;
  readonly mismatches: number;
  /** Sum of their clipped margins, in millionths of a nat. */
  readonly marginMicros: bigint;
  readonly salt: Hex;
}

export interface DisputeVote {
  readonly committed: boolean;
  /** Undefined until it is revealed. */
  readonly verdict: Verdict | undefined;
  readonly tokens: number;
}

/** A receipt with its channel's config, which says who paid. */
export interface DisputedReceipt {
  readonly receipt: Receipt;
  readonly signature: Hex;
  readonly config: ChannelConfig;
}

export interface Evidence {
  readonly round: number;
  readonly from: Hex;
  readonly data: Hex;
  readonly blockNumber: bigint;
}

/** Disputes, from their opening to who lost what. Approve the contract for the bond before opening or appealing. */
export interface Disputes {
  readonly address: Hex;
  bond(): Promise<bigint>;
  /** Seconds from the draw of a jury to the end of commitments. */
  commitSeconds(): Promise<number>;
  /** Seconds for which a buyer that challenged may still show that it was a salt. */
  saltSeconds(): Promise<number>;
  appealBond(): Promise<bigint>;
  open(disputed: DisputedReceipt): Promise<WriteResult & { readonly id: Hex }>;
  openRecord(accused: Hex, classId: Hex, uptoBlock: bigint): Promise<WriteResult & { readonly id: Hex }>;
  /** Publishes at most 48 KiB about an open dispute. */
  submitEvidence(id: Hex, data: Hex): Promise<WriteResult>;
  evidence(id: Hex): Promise<readonly Evidence[]>;
  /** From two blocks after opening or appeal. The jurors, or none if the draw was armed anew. */
  drawJury(id: Hex): Promise<readonly Hex[]>;
  /** Binds the account to a ballot; keep the ballot first. */
  commit(id: Hex, round: number, ballot: Ballot): Promise<WriteResult>;
  reveal(id: Hex, ballot: Ballot): Promise<WriteResult>;
  resolve(id: Hex): Promise<WriteResult>;
  appeal(id: Hex): Promise<WriteResult>;
  finalise(id: Hex): Promise<WriteResult>;
  /** Commits to a receipt that will be disputed as a test of the jurors. */
  commitSalt(receiptDigest: Hex, secret: Hex): Promise<WriteResult>;
  revealSalt(id: Hex, secret: Hex): Promise<WriteResult>;
  punishAttestation(id: Hex, validator: Hex): Promise<WriteResult>;
  state(id: Hex): Promise<DisputeState | undefined>;
  jury(id: Hex, round: number): Promise<readonly Hex[]>;
  vote(id: Hex, round: number, juror: Hex): Promise<DisputeVote>;
  /** The last dispute about a receipt. */
  ofReceipt(receiptDigest: Hex): Promise<Hex | undefined>;
  /** What bonds credited to an account; shares of slashes are `stake.claimable`. */
  claimable(account: Hex): Promise<bigint>;
  withdraw(to?: Hex): Promise<WriteResult>;
  /** All events so far, of one dispute or of all. */
  events(id?: Hex): Promise<readonly DisputeEvent[]>;
}

export type DisputeEvent = Extract<ChainEvent, { readonly contract: "disputes" }>;

const abi = ABIS.disputes;
const ZERO_WORD: Hex = `0x${"0".repeat(64)}`;
const ZERO_ADDRESS: Hex = `0x${"0".repeat(40)}`;

export interface DisputesModules {
  readonly rpc: Rpc;
  readonly writer: Writer;
  readonly address: Hex;
  /** All events of the contract so far. */
  readonly readEvents: () => Promise<readonly ChainEvent[]>;
}

export function createDisputes({ rpc, writer, address, readEvents }: DisputesModules): Disputes {
  const send = (action: string, data: Hex) => writer.send({ to: address, data, action: `disputes.${action}` });
  /** The functions that take nothing but a dispute. */
  const sendId = (functionName: "resolve" | "appeal" | "finalise", id: Hex) =>
    send(functionName, encodeFunctionData({ abi, functionName, args: [id] }));
  const read = <Result>(action: string, ask: Parameters<typeof rpc.ask<Result>>[1]) =>
    rpc.ask(`disputes.${action}`, ask);

  async function sendOpening(action: string, data: Hex): Promise<WriteResult & { readonly id: Hex }> {
    const receipt = await writer.sendForReceipt({ to: address, data, action: `disputes.${action}` });
    const [opened] = parseEventLogs({
      abi,
      logs: receipt.logs,
      eventName: ["DisputeOpened", "RecordDisputeOpened"],
    });
    const id = opened?.args.id ?? ZERO_WORD;
    return { hash: receipt.transactionHash, gasUsed: receipt.gasUsed, blockNumber: receipt.blockNumber, id };
  }

  async function events(id?: Hex): Promise<DisputeEvent[]> {
    const all = await readEvents();
    return all.flatMap((event) =>
      event.contract === "disputes" && (id === undefined || ("id" in event.args && event.args.id === id))
        ? [event]
        : [],
    );
  }

  return {
    address,
    bond: () => read("bond", (client) => client.readContract({ address, abi, functionName: "BOND" })),
    commitSeconds: () =>
      read("commitSeconds", (client) => client.readContract({ address, abi, functionName: "COMMIT_SECONDS" })),
    saltSeconds: () =>
      read("saltSeconds", (client) => client.readContract({ address, abi, functionName: "SALT_SECONDS" })),
    appealBond: () =>
      read("appealBond", (client) => client.readContract({ address, abi, functionName: "APPEAL_BOND" })),
    open: ({ receipt, signature, config }) =>
      sendOpening(
        "open",
        encodeFunctionData({ abi, functionName: "open", args: [receiptWords(receipt), signature, config] }),
      ),
    openRecord: (accused, classId, uptoBlock) =>
      sendOpening(
        "openRecord",
        encodeFunctionData({ abi, functionName: "openRecord", args: [accused, classId, uptoBlock] }),
      ),
    submitEvidence: (id, data) =>
      send("submitEvidence", encodeFunctionData({ abi, functionName: "submitEvidence", args: [id, data] })),
    async evidence(id) {
      return (await events(id)).flatMap((event) =>
        event.eventName === "EvidenceSubmitted"
          ? [
              {
                round: event.args.round,
                from: event.args.from,
                data: event.args.data,
                blockNumber: event.blockNumber,
              },
            ]
          : [],
      );
    },
    async drawJury(id) {
      const receipt = await writer.sendForReceipt({
        to: address,
        data: encodeFunctionData({ abi, functionName: "drawJury", args: [id] }),
        action: "disputes.drawJury",
      });
      const [drawn] = parseEventLogs({ abi, logs: receipt.logs, eventName: "JuryDrawn" });
      return (drawn?.args.jurors ?? []).map(lower);
    },
    async commit(id, round, ballot) {
      const juror = writer.account("disputes.commit").address;
      const args = [id, ballotCommitment(id, round, juror, ballot)] as const;
      return send("commit", encodeFunctionData({ abi, functionName: "commit", args }));
    },
    reveal: (id, ballot) =>
      send("reveal", encodeFunctionData({ abi, functionName: "reveal", args: [id, ballotWords(ballot)] })),
    resolve: (id) => sendId("resolve", id),
    appeal: (id) => sendId("appeal", id),
    finalise: (id) => sendId("finalise", id),
    async commitSalt(receiptDigest, secret) {
      const salter = writer.account("disputes.commitSalt").address;
      const commitment = keccak256(
        encodeAbiParameters(
          [{ type: "address" }, { type: "bytes32" }, { type: "bytes32" }],
          [salter, receiptDigest, secret],
        ),
      );
      return send("commitSalt", encodeFunctionData({ abi, functionName: "commitSalt", args: [commitment] }));
    },
    revealSalt: (id, secret) =>
      send("revealSalt", encodeFunctionData({ abi, functionName: "revealSalt", args: [id, secret] })),
    punishAttestation: (id, validator) =>
      send("punishAttestation", encodeFunctionData({ abi, functionName: "punishAttestation", args: [id, validator] })),
    async state(id) {
      return toState(
        id,
        await read("state", (client) => client.readContract({ address, abi, functionName: "disputeOf", args: [id] })),
      );
    },
    async jury(id, round) {
      const jurors = await read("jury", (client) =>
        client.readContract({ address, abi, functionName: "juryOf", args: [id, round] }),
      );
      return jurors.map(lower);
    },
    async vote(id, round, juror) {
      const { commitment, verdict, tokens } = await read("vote", (client) =>
        client.readContract({ address, abi, functionName: "voteOf", args: [id, round, juror] }),
      );
      const given = VERDICTS[verdict];
      return { committed: commitment !== ZERO_WORD, verdict: given === "none" ? undefined : given, tokens };
    },
    async ofReceipt(receiptDigest) {
      const id = await read("ofReceipt", (client) =>
        client.readContract({ address, abi, functionName: "lastDispute", args: [receiptDigest] }),
      );
      return id === ZERO_WORD ? undefined : id;
    },
    claimable: (account) =>
      read("claimable", (client) => client.readContract({ address, abi, functionName: "claimable", args: [account] })),
    async withdraw(to = writer.account("disputes.withdraw").address) {
      return send("withdraw", encodeFunctionData({ abi, functionName: "withdraw", args: [to] }));
    },
    events,
  };
}

/** `keccak256(abi.encode(id, round, juror, ballot))`, as the contract computes it at the reveal. */
export function ballotCommitment(id: Hex, round: number, juror: Hex, ballot: Ballot): Hex {
  return keccak256(
    encodeAbiParameters(
      [
        { type: "bytes32" },
        { type: "uint8" },
        { type: "address" },
        {
          type: "tuple",
          components: [
            { name: "verdict", type: "uint8" },
            { name: "tokens", type: "uint32" },
            { name: "mismatches", type: "uint32" },
            { name: "marginMicros", type: "uint64" },
            { name: "salt", type: "bytes32" },
          ],
        },
      ],
      [id, round, juror, ballotWords(ballot)],
    ),
  );
}

/** The receipt that a dispute's opening event holds. */
export function openedReceipt(event: Extract<DisputeEvent, { readonly eventName: "DisputeOpened" }>): SignedReceipt {
  const { receipt, signature } = event.args;
  return {
    signature,
    receipt: {
      ...receipt,
      provider: lower(receipt.provider),
      stopReason: STOP_REASONS[receipt.stopReason] ?? "end",
      proofLevel: PROOF_LEVELS[receipt.proofLevel] ?? "none",
      cost: microUsd(receipt.cost),
      startedAt: Number(receipt.startedAt),
      finishedAt: Number(receipt.finishedAt),
    },
  };
}

function ballotWords({ verdict, ...numbers }: Ballot) {
  return { ...numbers, verdict: VERDICTS.indexOf(verdict) };
}

function receiptWords(receipt: Receipt) {
  return {
    ...receipt,
    stopReason: STOP_REASONS.indexOf(receipt.stopReason),
    proofLevel: PROOF_LEVELS.indexOf(receipt.proofLevel),
    startedAt: BigInt(receipt.startedAt),
    finishedAt: BigInt(receipt.finishedAt),
  };
}

type Entry = ContractFunctionReturnType<typeof abi, "view", "disputeOf">;

function toState(id: Hex, entry: Entry): DisputeState | undefined {
  const phase = PHASES[entry.phase];
  if (phase === undefined || phase === "none") {
    return undefined;
  }
  const outcome = OUTCOMES[entry.outcome];
  return {
    id,
    phase,
    round: entry.round,
    outcome: outcome === "none" ? undefined : outcome,
    accused: lower(entry.accused),
    challenger: lower(entry.challenger),
    buyer: address(entry.buyer),
    appellant: address(entry.appellant),
    receiptDigest: entry.receiptDigest === ZERO_WORD ? undefined : entry.receiptDigest,
    classId: entry.classId,
    cost: entry.cost,
    targetBlock: entry.targetBlock,
    openedBlock: entry.openedBlock,
    commitDeadline: entry.commitDeadline,
    revealDeadline: entry.revealDeadline,
    finalAt: entry.finalAt,
    commits: entry.commits,
    reveals: entry.reveals,
    salt: entry.salt,
  };
}

function address(value: Hex): Hex | undefined {
  return value === ZERO_ADDRESS ? undefined : lower(value);
}

function lower(value: Hex): Hex {
  return `0x${value.slice(2).toLowerCase()}`;
}
