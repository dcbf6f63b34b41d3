import type { Ballot, Chain, DisputeEvent, Evidence } from "@depinfer/chain";
import { openedReceipt } from "@depinfer/chain";
import { type ScoringEngine, verifyReceipt } from "@depinfer/inference";
import {
  type AuditRules,
  type Calibration,
  createAuditRecord,
  seedCommitment,
  seedOfAnswer,
  textHash,
} from "@depinfer/proof";
import {
  type AuditEvent,
  DepinferError,
  decodeRequest,
  errorMessage,
  type Hex,
  type Log,
  parseBody,
  type Receipt,
  receiptDigest,
  type SealingKey,
  type Transcript,
} from "@depinfer/protocol";
import { openEvidence } from "./evidence.ts";

export interface JudgeModules {
  readonly chain: Chain;
  readonly engine: ScoringEngine;
  /** What is known of the engine's class. */
  readonly calibration: Calibration;
  /** The pair whose public key the validator set shows. */
  readonly sealingKey: SealingKey;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
  /** The public record of audits. */
  readonly auditEvents: () => readonly AuditEvent[];
  readonly rules: AuditRules;
  readonly log: Log;
}

/** How a dispute began: with a receipt, or about a record. */
export type Opening = Extract<DisputeEvent, { readonly eventName: "DisputeOpened" | "RecordDisputeOpened" }>;
/** A ballot without the salt that hides it. */
export type Judgement = Omit<Ballot, "salt">;

/** What a juror says that has nothing to go by. */
export const NO_JUDGEMENT: Judgement = { verdict: "inconclusive", tokens: 0, mismatches: 0, marginMicros: 0n };

/** Pieces that a juror reads; publishing one costs gas, and the challenger's come first. */
const MOST_EVIDENCE = 64;

/**
 * What this machine finds, or null while nobody has published the transcript. Everybody with the same engine finds the
 * same.
 */
export async function judgeDispute(modules: JudgeModules, opening: Opening): Promise<Judgement | null> {
  return opening.eventName === "DisputeOpened" ? judgeReceipt(modules, opening) : judgeRecord(modules, opening);
}

async function judgeReceipt(
  modules: JudgeModules,
  opening: Extract<Opening, { readonly eventName: "DisputeOpened" }>,
): Promise<Judgement | null> {
  const { chain, engine, recoverAddress, calibration, log } = modules;
  const { id, challenger } = opening.args;
  const signed = openedReceipt(opening);
  if (signed.receipt.classId !== engine.description.classId) {
    return NO_JUDGEMENT;
  }
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  // The contract has checked that this key was registered by the accused; it may have another one by now.
  const receiptKey = recoverAddress(receiptDigest(signed.receipt, binding), signed.signature);
  for (const transcript of transcripts(modules, id, await chain.disputes.evidence(id), challenger)) {
    try {
      requireSigned(signed.receipt, transcript);
      const { verdict, statistic } = await verifyReceipt(
        { engine, recoverAddress },
        { signed, transcript, binding, receiptKey, calibration },
      );
      const { informative, mismatches, meanMargin } = statistic;
      const marginMicros = BigInt(Math.round(meanMargin * informative * 1e6));
      return { verdict, tokens: informative, mismatches, marginMicros };
    } catch (error) {
      // Evidence of something else says nothing about the accused; the next piece may.
      if (!(error instanceof DepinferError) || error.retryable) {
        throw error;
      }
      log("info", `evidence in dispute ${id} is left aside: ${error.message}`, { code: error.code });
    }
  }
  return null;
}

/**
 * Refuses a transcript with another text or nonce than the receipt commits to. An auditor has it from the provider, and
 * such a difference is the provider's; a juror has it from anybody, who may have changed it to have the answer found
 * false.
 */
function requireSigned(receipt: Receipt, transcript: Transcript): void {
  const { terms, body } = decodeRequest(new Uint8Array(Buffer.from(transcript.request, "base64")));
  const { generation } = parseBody(terms.endpoint, body);
  const seed = seedOfAnswer(terms, transcript.providerNonce, generation.seed);
  const faults = [
    ...(textHash(transcript.text) === receipt.textHash ? [] : ["text"]),
    ...(seedCommitment(seed) === receipt.seedCommitment ? [] : ["nonce"]),
  ];
  if (faults.length > 0) {
    throw new DepinferError({
      code: "evidence.notSigned",
      message: `The receipt does not commit to the transcript's ${faults.join(" and ")}`,
      remedy: "Publish the transcript as the buyer received it",
      metadata: { faults: faults.join(",") },
    });
  }
}

/** Transcripts that this juror can open, the challenger's first. */
function* transcripts(
  { sealingKey, log }: JudgeModules,
  id: Hex,
  evidence: readonly Evidence[],
  challenger: Hex,
): Generator<Transcript> {
  const sorted = [
    ...evidence.filter(({ from }) => from === challenger),
    ...evidence.filter(({ from }) => from !== challenger),
  ];
  for (const { data, from } of sorted.slice(0, MOST_EVIDENCE)) {
    try {
      yield openEvidence(data, { id, key: sealingKey });
    } catch (error) {
      log("info", `evidence of ${from} in dispute ${id} cannot be opened: ${errorMessage(error)}`);
    }
  }
}

/** Whether the verdicts that count up to the block convict, by the same rules for everybody. */
function judgeRecord(
  { auditEvents, rules }: JudgeModules,
  { args }: Extract<Opening, { readonly eventName: "RecordDisputeOpened" }>,
): Judgement {
  const record = createAuditRecord(rules);
  record.take(
    0,
    auditEvents().filter(({ block }) => BigInt(block) <= args.uptoBlock),
  );
  const found = record.provider(args.accused).classes.find(({ classId }) => classId === args.classId);
  if (found === undefined || found.outcome === null) {
    return NO_JUDGEMENT;
  }
  const { tokens, mismatches, marginMicros } = found.state;
  return { verdict: found.outcome.outcome, tokens, mismatches, marginMicros: BigInt(marginMicros) };
}
