import { seedCommitment, seedOfAnswer, textHash, type Verdict } from "@depinfer/proof";
import {
  costDown,
  DepinferError,
  type DomainBinding,
  decodeRequest,
  type Generation,
  type Hex,
  levelOfGeneration,
  meetsLevel,
  parseBody,
  type Receipt,
  type RequestTerms,
  receiptDigest,
  type SignedReceipt,
  type Transcript,
  toHex,
} from "@depinfer/protocol";
import { transcriptBelongsTo } from "./receipt-structure.ts";

/** A receipt and the transcript that is brought forward as what it signs for. */
export interface ReceiptEvidence {
  readonly signed: SignedReceipt;
  readonly transcript: Transcript;
  /** Chain and ReceiptLog address that receipts are signed for. */
  readonly binding: DomainBinding;
  /** The key that the provider registered on chain. */
  readonly receiptKey: Hex;
}

/** Evidence that concerns the accused: its signature over the hashes of this transcript. */
export interface OpenedReceipt {
  readonly receipt: Receipt;
  readonly receiptId: Hex;
  readonly transcript: Transcript;
  readonly terms: RequestTerms;
  readonly generation: Generation;
  /** What is wrong with the receipt's level, one sentence each. */
  readonly levelFaults: readonly string[];
}

/**
 * The receipt's id, when the provider's registered key signed it.
 *
 * @throws DepinferError `receipt.badSignature`.
 */
export function checkReceiptKey(
  recoverAddress: (digest: Uint8Array, signature: Hex) => Hex,
  { signed, binding, receiptKey }: Omit<ReceiptEvidence, "transcript">,
): Hex {
  const digest = receiptDigest(signed.receipt, binding);
  const signer = recoverAddress(digest, signed.signature);
  if (signer !== receiptKey) {
    throw new DepinferError({
      code: "receipt.badSignature",
      message: `The receipt was signed by ${signer}, the provider's registered key is ${receiptKey}`,
      remedy: "Discard it; it proves nothing about this provider",
      metadata: { signer, receiptKey },
    });
  }
  return toHex(digest);
}

/**
 * Refuses evidence that says nothing about the accused.
 *
 * @throws DepinferError `receipt.badSignature` or `transcript.notOpening`.
 */
export function openReceipt(
  recoverAddress: (digest: Uint8Array, signature: Hex) => Hex,
  evidence: ReceiptEvidence,
): OpenedReceipt {
  const { signed, transcript } = evidence;
  const { receipt } = signed;
  const receiptId = checkReceiptKey(recoverAddress, evidence);
  const requestBytes = new Uint8Array(Buffer.from(transcript.request, "base64"));
  transcriptBelongsTo(receipt, transcript, requestBytes);
  const { terms, body } = decodeRequest(requestBytes);
  const { generation, minProofLevel } = parseBody(terms.endpoint, body);
  const levelFaults: string[] = [];
  const worth = levelOfGeneration(receipt.proofLevel, generation);
  if (worth !== receipt.proofLevel) {
    const where = generation.temperature > 0 ? `at temperature ${generation.temperature}` : "for a shaped answer";
    levelFaults.push(`${where} the level ${receipt.proofLevel} is ${worth}`);
  }
  // Whether a simulation may pass is the buyer's own decision, so nobody is accused of one that says its name.
  if (minProofLevel !== null && !meetsLevel(worth, minProofLevel, { allowSimulatedAttestation: true })) {
    levelFaults.push(`the request demanded at least ${minProofLevel}, the answer is ${worth}`);
  }
  return { receipt, receiptId, transcript, terms, generation, levelFaults };
}

/**
 * Everything in a receipt that has to agree with the terms, the transcript and `wanted`, one sentence for each that does
 * not. For answers whose prompt nobody cut into tokens here.
 */
export function countableFaults(
  { receipt, transcript, terms, generation }: OpenedReceipt,
  wanted: Partial<Receipt> & Pick<Receipt, "promptTokens" | "outputTokens">,
): string[] {
  const { requestId, classId, channelId, prices } = terms;
  const seed = seedOfAnswer(terms, transcript.providerNonce, generation.seed);
  const expected: Partial<Receipt> = {
    requestId,
    classId,
    channelId,
    seedCommitment: seedCommitment(seed),
    textHash: textHash(transcript.text),
    cachedTokens: 0,
    cost: costDown({ ...wanted, cachedTokens: 0 }, prices),
    ...wanted,
  };
  const given = new Map<string, unknown>(Object.entries(receipt));
  return Object.entries(expected)
    .filter(([name, value]) => given.get(name) !== value)
    .map(([name, value]) => `${name} is ${String(given.get(name))} in the receipt and should be ${String(value)}`);
}

/** The verdict on a receipt that is wrong in something countable; nothing was scored. */
export function structuralFailure({ receiptId }: OpenedReceipt, faults: readonly string[]): Verdict {
  return {
    verdict: "fail",
    reason: faults.join("; "),
    receiptId,
    statistic: { tokens: 0, informative: 0, mismatches: 0, meanMargin: 0, margins: [] },
    pValue: null,
    falsePass: null,
    tokensNeeded: null,
  };
}
