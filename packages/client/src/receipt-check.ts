import { seedCommitment, textHash, transcriptRoot } from "@depinfer/proof";
import {
  costDown,
  type DomainBinding,
  errorMessage,
  type Hex,
  type MicroUsd,
  type Offer,
  type Receipt,
  type RequestTerms,
  receiptDigest,
  requestHash,
  type SignedReceipt,
  type Usage,
} from "@depinfer/protocol";

/** What the buyer itself saw of an answer. */
export interface Observed {
  readonly offer: Pick<Offer, "provider" | "receiptKey" | "proofLevel">;
  readonly terms: RequestTerms;
  /** The REQ payload. */
  readonly payload: Uint8Array;
  readonly promptTokens: number;
  readonly promptHash: Hex;
  readonly seed: Uint8Array;
  readonly tokens: readonly number[];
  /**
   * Of the prompt's tokens, those that the provider says it had computed before. Only it can know, and it earns less by
   * them: no price list has a dearer cached token than a fresh one.
   */
  readonly cachedTokens: number;
  /** Tokens to pay for: the ids that arrived, or the upstream's count within what the text allows. */
  readonly outputTokens: number;
  readonly text: string;
  /** When the answer ended, in ms since 1970 by the buyer's clock. */
  readonly endedAt: number;
}

/** Clocks may differ. A receipt dated further away could have the time for disputing it over before it began. */
const MOST_CLOCK_SKEW_MS = 600_000;

/** The cost by the buyer's own count. */
export function meteredCost({
  promptTokens,
  cachedTokens = 0,
  outputTokens,
  terms,
}: Pick<Observed, "promptTokens" | "outputTokens" | "terms"> & Partial<Pick<Observed, "cachedTokens">>): MicroUsd {
  return costDown({ promptTokens, cachedTokens, outputTokens }, terms.prices);
}

/** The tokens that a receipt says. */
export function receiptUsage({ receipt: { promptTokens, cachedTokens, outputTokens } }: SignedReceipt): Usage {
  return { promptTokens, cachedTokens, outputTokens };
}

/** Everything in a receipt that does not agree with what the buyer saw; empty when it is right. */
export function receiptFaults(
  { receipt, signature }: SignedReceipt,
  seen: Observed,
  binding: DomainBinding,
  recoverAddress: (digest: Uint8Array, signature: Hex) => Hex,
): string[] {
  const faults: string[] = [];
  const unsigned = signatureFault({ receipt, signature }, seen.offer.receiptKey, binding, recoverAddress);
  if (unsigned !== null) {
    faults.push(unsigned);
  }
  const wanted: Partial<Receipt> = {
    requestId: seen.terms.requestId,
    requestHash: requestHash(seen.payload),
    classId: seen.terms.classId,
    promptHash: seen.promptHash,
    transcriptRoot: transcriptRoot(seen.tokens),
    textHash: textHash(seen.text),
    seedCommitment: seedCommitment(seen.seed),
    channelId: seen.terms.channelId,
    provider: seen.offer.provider,
    promptTokens: seen.promptTokens,
    cachedTokens: seen.cachedTokens,
    outputTokens: seen.outputTokens,
    proofLevel: seen.offer.proofLevel,
    cost: meteredCost(seen),
  };
  if (Math.abs(receipt.finishedAt - seen.endedAt) > MOST_CLOCK_SKEW_MS) {
    faults.push(`its finishedAt is ${receipt.finishedAt}, the answer ended at ${seen.endedAt}`);
  }
  for (const [field, value] of Object.entries(wanted)) {
    const found = Object.entries(receipt).find(([name]) => name === field)?.[1];
    if (found !== value) {
      faults.push(`its ${field} is ${String(found)}, the buyer counted ${String(value)}`);
    }
  }
  return faults;
}

/** What is wrong with a receipt's signature, or null. A signature that no key can have made is a fault like any other. */
export function signatureFault(
  { receipt, signature }: SignedReceipt,
  receiptKey: Hex,
  binding: DomainBinding,
  recoverAddress: (digest: Uint8Array, signature: Hex) => Hex,
): string | null {
  try {
    const signer = recoverAddress(receiptDigest(receipt, binding), signature);
    return signer === receiptKey ? null : `it was signed by ${signer} instead of ${receiptKey}`;
  } catch (error) {
    return `its signature is malformed: ${errorMessage(error)}`;
  }
}
