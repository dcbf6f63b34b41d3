import { costDown, type MicroUsd, type Offer, type Prices } from "@depinfer/protocol";

/** Tokens that a chat template may add around messages. */
const TEMPLATE_TOKENS = 256;

/** Most tokens that a body can have: each has at least a byte. */
export function mostPromptTokens(body: Uint8Array): number {
  return body.length + TEMPLATE_TOKENS;
}

/**
 * Most that a request can cost at an offer's prices; set aside before it is sent.
 *
 * @param resumed tokens of an answer that is gone on with; they are read like a prompt.
 */
export function mostCost(
  body: Uint8Array,
  maxOutputTokens: number,
  { prices }: Pick<Offer, "prices">,
  resumed = 0,
): MicroUsd {
  const promptTokens = mostPromptTokens(body) + resumed;
  return costDown({ promptTokens, cachedTokens: 0, outputTokens: maxOutputTokens }, prices);
}

/** Prices of pass traffic: one for all kinds of tokens. */
export function flatPrices(unitsPerMillion: MicroUsd): Prices {
  return {
    inputPerMillion: unitsPerMillion,
    cachedInputPerMillion: unitsPerMillion,
    outputPerMillion: unitsPerMillion,
  };
}

/** An amount, cut off at a limit. */
export function atMost(amount: MicroUsd, limit: MicroUsd): MicroUsd {
  if (amount > limit) {
    return limit;
  }
  return amount;
}
