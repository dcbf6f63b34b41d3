import { textHash, transcriptRoot } from "@depinfer/proof";
import {
  type Accept,
  type Hex,
  type MicroUsd,
  meetsLevel,
  microUsd,
  type Offer,
  type RequestTerms,
  type SignedReceipt,
  type Usage,
} from "@depinfer/protocol";
import type { Delivered } from "./attempt.ts";

/**
 * An answer that was begun and can go on anywhere in its runtime class: its randomness, and what of it is signed for. What
 * was delivered beyond that is made again, bit for bit.
 */
export interface Begun {
  readonly classId: Hex;
  /** Randomness of the first part, which every further part continues. */
  readonly seed: Omit<NonNullable<RequestTerms["resume"]>, "tokens">;
  /** Tokens that receipts cover, in order, and their text. */
  readonly tokens: readonly number[];
  readonly text: string;
  /** Of all parts that were paid. The prompt is that of the first one. */
  readonly usage: Usage;
  readonly cost: MicroUsd;
  readonly receipts: readonly Hex[];
}

/** The part of a delivered answer that a receipt covers. */
export interface CoveredPart {
  readonly tokens: readonly number[];
  readonly text: string;
}

/** What a receipt covers of what arrived, or null when it is not for a part of it. */
export function coveredBy({ receipt }: SignedReceipt, { tokens, text, pieces }: Delivered): CoveredPart | null {
  const part = tokens.slice(0, receipt.outputTokens);
  if (part.length !== receipt.outputTokens || transcriptRoot(part) !== receipt.transcriptRoot) {
    return null;
  }
  // Text may follow its last token in a piece of its own.
  const ends = [0, ...pieces.filter((piece) => piece.tokens === part.length).map((piece) => piece.text)];
  const end = ends.reverse().find((length) => textHash(text.slice(0, length)) === receipt.textHash);
  return end === undefined ? null : { tokens: part, text: text.slice(0, end) };
}

/** What is needed of a request that delivered a part of an answer. */
export interface BegunRequest {
  readonly offer: Pick<Offer, "proofLevel" | "classId">;
  readonly terms: Pick<RequestTerms, "requestId" | "buyerNonce"> & { readonly choice?: number | undefined };
  readonly before: Begun | null;
}

/**
 * Where an answer can be gone on with after a provider broke off, or null when its randomness is not known: an upstream's
 * cannot be repeated.
 *
 * @param covered what a receipt covers; null when nothing is signed for and all has to be made again.
 */
export function begunBy(
  { offer, terms, before }: BegunRequest,
  accept: Accept,
  covered: CoveredPart | null,
  cost: MicroUsd,
): Begun | null {
  if (!meetsLevel(offer.proofLevel, "seeded", { allowSimulatedAttestation: true })) {
    return null;
  }
  const { requestId, buyerNonce, choice } = terms;
  const first: Begun = before ?? {
    classId: offer.classId,
    seed: { requestId, buyerNonce, providerNonce: accept.providerNonce, ...(choice === undefined ? {} : { choice }) },
    tokens: [],
    text: "",
    usage: { promptTokens: accept.promptTokens, cachedTokens: 0, outputTokens: 0 },
    cost: microUsd(0n),
    receipts: [],
  };
  if (covered === null) {
    return first;
  }
  return {
    ...first,
    tokens: [...first.tokens, ...covered.tokens],
    text: first.text + covered.text,
    usage: { ...first.usage, outputTokens: first.usage.outputTokens + covered.tokens.length },
    cost: microUsd(first.cost + cost),
    receipts: [...first.receipts, requestId],
  };
}
