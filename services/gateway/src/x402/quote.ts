import { type Buyer, mostCost, route } from "@depinfer/client";
import { DepinferError, type Hex, type MicroUsd, microUsd } from "@depinfer/protocol";
import type { Asked } from "../asked.ts";

/** What a request can cost at most, and who may answer it at that price. */
export interface Quote {
  /** Units. */
  readonly most: MicroUsd;
  readonly maxTokens: number;
  readonly providers: readonly Hex[];
}

/** Output limit when the client names none, in tokens. */
const DEFAULT_MAX_TOKENS = 512;
/**
 * Providers that ask more than this many times the cheapest price are left out: the quote is for the dearest one that may
 * answer, so a single absurd price would make it absurd for everybody.
 */
const MOST_TIMES_CHEAPEST = 2n;

/** @throws DepinferError `route.unknownModel` or `route.noProvider`. */
export function quoteFor(buyer: Pick<Buyer, "offers">, { parsed, body, policy }: Asked): Quote {
  const offers = buyer.offers();
  const idle = { inFlight: () => 0, excluded: () => undefined, random: () => 0 };
  const fitting = offers.filter((offer) => route([offer], policy, idle).chosen !== undefined);
  const wanted = parsed.generation.maxTokens ?? DEFAULT_MAX_TOKENS;
  const priced = fitting.map((offer) => ({
    provider: offer.provider,
    // Each choice is bought by itself.
    most: mostCost(body, Math.min(wanted, offer.contextLength), offer) * BigInt(parsed.n),
  }));
  const cheapest = priced.reduce<bigint | null>(
    (least, { most }) => (least === null || most < least ? most : least),
    null,
  );
  if (cheapest === null) {
    throw noOffer(parsed.model, [...new Set(offers.map(({ model }) => model))]);
  }
  const affordable = priced.filter(({ most }) => most <= cheapest * MOST_TIMES_CHEAPEST);
  const most = affordable.reduce((dearest, one) => (one.most > dearest ? one.most : dearest), 0n);
  return {
    most: microUsd(most),
    maxTokens: wanted,
    providers: [...new Set(affordable.map(({ provider }) => provider))],
  };
}

function noOffer(model: string, models: readonly string[]): DepinferError {
  return models.length === 0 || models.includes(model)
    ? new DepinferError({
        code: "route.noProvider",
        message: `No provider of ${JSON.stringify(model)} can take this request now`,
        remedy: "Try again in a moment, or loosen what the request demands",
        metadata: { model },
        retryable: true,
      })
    : new DepinferError({
        code: "route.unknownModel",
        message: `No provider serves the model ${JSON.stringify(model)}`,
        remedy: `Ask for one of: ${models.join(", ")}`,
        metadata: { model, param: "model" },
      });
}
