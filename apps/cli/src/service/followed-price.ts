import { followedPriceDown, postedPriceDown } from "@depinfer/economics";
import { microUsd, type Prices } from "@depinfer/protocol";

export interface FollowedPriceOptions {
  /** Where it begins; input prices keep their proportion to the output price. */
  readonly prices: Prices;
  /** Parts of ten thousand below the base price. */
  readonly discountBps: number;
  /** Units per million output tokens below which it never goes, however low the base price is; at least 1. */
  readonly floor: bigint;
  /** Least ms between two steps, by this machine's clock. */
  readonly periodMs: number;
}

/** The price that follows what somebody else says of the base price. */
export interface FollowedPrice {
  /** Units per million output tokens. */
  current(): bigint;
  /** The prices to post once the base price is said to be `base`, units; null where they stay. */
  hear(base: bigint, now: number): Prices | null;
}

/**
 * Follows by one bounded step for each period of its own clock that passed since it last heard, whatever period it is told: who
 * lies about the base price or about time moves the price in n periods by n steps of the rule, and not below its floor.
 */
export function createFollowedPrice(
  { prices, discountBps, floor, periodMs }: FollowedPriceOptions,
  start: number,
): FollowedPrice {
  let output: bigint = prices.outputPerMillion < 1n ? 1n : prices.outputPerMillion;
  let heard = Math.floor(start / periodMs) - 1;
  let steps = 0;
  return {
    current: () => output,
    hear(base, now) {
      const period = Math.floor(now / periodMs);
      if (period > heard) {
        steps = period - heard;
        heard = period;
      }
      if (base < 1n) {
        return null;
      }
      const posted = postedPriceDown(base, discountBps);
      const wanted = posted < floor ? floor : posted < 1n ? 1n : posted;
      const before = output;
      for (; steps > 0 && output !== wanted; steps--) {
        output = followedPriceDown(output, wanted);
      }
      return output === before ? null : scaled(prices, output);
    },
  };
}

/** The same proportions at another output price; what costs something never becomes free. */
export function scaled({ inputPerMillion, cachedInputPerMillion, outputPerMillion }: Prices, output: bigint): Prices {
  const of = (price: bigint) => {
    const next = outputPerMillion === 0n ? price : (price * output) / outputPerMillion;
    return microUsd(price > 0n && next < 1n ? 1n : next);
  };
  return {
    inputPerMillion: of(inputPerMillion),
    cachedInputPerMillion: of(cachedInputPerMillion),
    outputPerMillion: microUsd(output),
  };
}
