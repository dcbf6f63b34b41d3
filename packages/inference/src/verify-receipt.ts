import {
  BIT_EXACT_CALIBRATION,
  type Calibration,
  deriveSeed,
  judge,
  marginStatistic,
  type Statistic,
  type Verdict,
} from "@depinfer/proof";
import {
  DepinferError,
  type DomainBinding,
  decodeRequest,
  type Hex,
  parseBody,
  receiptDigest,
  type SignedReceipt,
  type Transcript,
  toHex,
} from "@depinfer/protocol";
import type { ScoringEngine } from "./engine.ts";
import { structuralFaults, transcriptBelongsTo } from "./receipt-structure.ts";

export interface VerifyModules {
  /** An engine of the receipt's runtime class. */
  readonly engine: ScoringEngine;
  /** The account that signed a digest. */
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
}

export interface VerifyInput {
  readonly signed: SignedReceipt;
  readonly transcript: Transcript;
  /** Chain and ReceiptLog address that receipts are signed for. */
  readonly binding: DomainBinding;
  /** The key that the provider registered on chain. */
  readonly receiptKey: Hex;
  readonly calibration?: Calibration;
}

const NOTHING_SCORED: Statistic = { tokens: 0, informative: 0, mismatches: 0, meanMargin: 0, margins: [] };

/**
 * Judges one answer: the receipt is the provider's, the transcript is the receipt's, everything countable is right,
 * and every token is the one that the seed demands.
 *
 * Evidence that does not concern the accused is refused instead of judged.
 *
 * @throws DepinferError `receipt.badSignature`, `transcript.notOpening`, `verify.wrongClass` or `verify.notProvable`.
 */
export async function verifyReceipt({ engine, recoverAddress }: VerifyModules, input: VerifyInput): Promise<Verdict> {
  const { signed, transcript, binding } = input;
  const { receipt } = signed;
  const calibration = input.calibration ?? BIT_EXACT_CALIBRATION;
  const digest = receiptDigest(receipt, binding);
  const receiptId = toHex(digest);
  const signer = recoverAddress(digest, signed.signature);
  if (signer !== input.receiptKey) {
    throw new DepinferError({
      code: "receipt.badSignature",
      message: `The receipt was signed by ${signer}, the provider's registered key is ${input.receiptKey}`,
      remedy: "Discard it; it proves nothing about this provider",
      metadata: { signer, receiptKey: input.receiptKey },
    });
  }
  const requestBytes = new Uint8Array(Buffer.from(transcript.request, "base64"));
  transcriptBelongsTo(receipt, transcript, requestBytes);
  if (receipt.proofLevel !== "seeded") {
    throw new DepinferError({
      code: "verify.notProvable",
      message: `The receipt's proof level is "${receipt.proofLevel}", which re-scoring cannot check`,
      remedy: "Ask for the proof level `seeded` when the answer has to be provable",
      metadata: { proofLevel: receipt.proofLevel },
    });
  }
  const request = decodeRequest(requestBytes);
  if (request.terms.classId !== engine.description.classId) {
    throw new DepinferError({
      code: "verify.wrongClass",
      message: `The answer was asked of class ${request.terms.classId}, this engine is ${engine.description.classId}`,
      remedy: "Verify on a machine of that class: same weights, same engine build, same processor family",
      metadata: { wanted: request.terms.classId, have: engine.description.classId },
    });
  }
  const { generation } = parseBody(request.terms.endpoint, request.body);
  const seed = deriveSeed({ ...request.terms, providerNonce: transcript.providerNonce, userSeed: generation.seed });
  const prompt = engine.prompt(generation).tokens;
  const faults = structuralFaults(engine, { receipt, transcript, terms: request.terms, generation, prompt, seed });
  if (faults.length > 0) {
    return {
      verdict: "fail",
      reason: faults.join("; "),
      receiptId,
      statistic: NOTHING_SCORED,
      threshold: calibration.meanMargin,
    };
  }
  const scored = await engine.score(prompt, transcript.outputTokens);
  const statistic = marginStatistic(scored, generation.temperature, seed, calibration);
  return { ...judge(statistic, calibration), receiptId, statistic, threshold: calibration.meanMargin };
}
