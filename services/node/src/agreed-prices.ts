import { DepinferError, type Hex, type MicroUsd, type Prices } from "@depinfer/protocol";

export interface PriceOptions {
  /** What was posted lately, newest first: who read an offer before it changed is served at its price. */
  readonly posted: readonly Prices[];
  /** The contract that pays for holders of passes. */
  readonly passes: Hex;
  /** Least flat price per million tokens at which pass traffic is served. */
  readonly passFloor: MicroUsd;
}

/**
 * Why a request's prices are not taken, or null. A channel whose payer is the contract of passes pays one flat price for
 * all kinds of tokens, which its tier fixed; a provider takes it from its floor on. Everybody else pays the offer.
 */
export function priceRefusal(
  agreed: Prices,
  payer: Hex | undefined,
  { posted, passes, passFloor }: PriceOptions,
): DepinferError | null {
  const named = listed(agreed);
  if (payer === passes) {
    const [price = 0n] = named;
    const flat = named.every((one) => one === price);
    return flat && price >= passFloor
      ? null
      : new DepinferError({
          code: "provider.passPriceTooLow",
          message: `The request names prices ${named.join("/")} for a pass, this provider takes one flat price of ${passFloor} units per million tokens or more`,
          remedy: "Ask another provider, or pay per use at the offer's prices",
          metadata: { floor: passFloor.toString() },
          retryable: true,
        });
  }
  const offered = posted.map(listed);
  return offered.some((prices) => prices.every((price, index) => price === named[index]))
    ? null
    : new DepinferError({
        code: "provider.priceChanged",
        message: `The request names prices ${named.join("/")}, the offer is ${offered[0]?.join("/") ?? "withdrawn"} units per million tokens`,
        remedy: "Read the newest offer and ask again",
        retryable: true,
      });
}

function listed({ inputPerMillion, cachedInputPerMillion, outputPerMillion }: Prices): readonly bigint[] {
  return [inputPerMillion, cachedInputPerMillion, outputPerMillion];
}
