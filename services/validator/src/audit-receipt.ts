import { type ScoringEngine, verifyReceipt } from "@depinfer/inference";
import { type Link, query } from "@depinfer/network";
import type { Calibration } from "@depinfer/proof";
import {
  auditContext,
  DepinferError,
  type DomainBinding,
  decodeMessage,
  type Hex,
  openSealed,
  receiptDigest,
  type SealingKey,
  type SignedReceipt,
  type Transcript,
  toHex,
  transcriptAnswerSchema,
  transcriptSchema,
} from "@depinfer/protocol";
import { type Finding, findingOf } from "./finding.ts";

export interface AuditReceiptModules {
  readonly engine: ScoringEngine;
  /** What is known of the engine's class. */
  readonly calibration: Calibration;
  /** The pair whose public key the validator set shows. */
  readonly sealingKey: SealingKey;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
}

export interface AuditedReceipt {
  readonly provider: Hex;
  readonly epoch: number;
  readonly signed: SignedReceipt;
  /** The key that the provider registered on chain. */
  readonly receiptKey: Hex;
  readonly binding: DomainBinding;
}

/**
 * Fetches one transcript, opens it and scores the answer again.
 *
 * @throws DepinferError what the provider said (`audit.notAllowed`, …), `seal.…` for a transcript that does not open,
 * `audit.foreignReceipt`, or as `verifyReceipt`. Nothing of it says anything about the provider.
 */
export async function auditReceipt(
  modules: AuditReceiptModules,
  link: Link,
  { provider, epoch, signed, receiptKey, binding }: AuditedReceipt,
): Promise<Finding> {
  const { receipt } = signed;
  if (receipt.provider !== provider) {
    throw new DepinferError({
      code: "audit.foreignReceipt",
      message: `Epoch ${epoch} of ${provider} holds a receipt of ${receipt.provider}`,
      remedy: "Leave it out; it belongs into the epochs of its own provider",
      metadata: { provider, epoch, requestId: receipt.requestId },
    });
  }
  const answer = await query(link, { method: "transcript", requestId: receipt.requestId }, transcriptAnswerSchema);
  const digest = toHex(receiptDigest(receipt, binding));
  const transcript = "sealed" in answer ? opened(answer.sealed, modules.sealingKey, digest, epoch) : answer;
  const { engine, recoverAddress, calibration } = modules;
  const verdict = await verifyReceipt(
    { engine, recoverAddress },
    { signed, transcript, binding, receiptKey, calibration },
  );
  return findingOf(verdict, signed, epoch);
}

function opened(sealed: string, key: SealingKey, digest: Hex, epoch: number): Transcript {
  const bytes = openSealed(new Uint8Array(Buffer.from(sealed, "base64")), {
    key,
    context: auditContext(digest, epoch),
  });
  return decodeMessage(transcriptSchema, bytes, "sealed transcript");
}
