import type { Ballot, Chain, DisputeEvent, Evidence } from "@depinfer/chain";
import { openedReceipt } from "@depinfer/chain";
import { type ScoringEngine, verifyReceipt } from "@depinfer/inference";
import { type AuditRules, type Calibration, createAuditRecord } from "@depinfer/proof";
import {
  type AuditEvent,
  DepinferError,
  errorMessage,
  type Hex,
  type Log,
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
