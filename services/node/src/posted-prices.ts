import type { Prices } from "@depinfer/protocol";

/** What a provider asks now, and asked lately. */
export interface PostedPrices {
  current(): Prices;
  /** Posts other prices; false where they are those of now. */
  post(prices: Prices): boolean;
  /** Prices that a buyer may have read and not asked with yet, newest first. */
  lately(): readonly Prices[];
}

/** As long as an offer lives: until then a buyer may hold the one before. */
const LATELY_MS = 60_000;

export function createPostedPrices(first: Prices, now: () => number = Date.now): PostedPrices {
  let current = first;
  let before: readonly { readonly prices: Prices; readonly until: number }[] = [];
  const known = () => before.filter(({ until }) => until > now());
  return {
    current: () => current,
    post(prices) {
      if (same(current, prices)) {
        return false;
      }
      before = [{ prices: current, until: now() + LATELY_MS }, ...known()];
      current = prices;
      return true;
    },
    lately: () => [current, ...known().map(({ prices }) => prices)],
  };
}

function same(a: Prices, b: Prices): boolean {
  return (
    a.inputPerMillion === b.inputPerMillion &&
    a.cachedInputPerMillion === b.cachedInputPerMillion &&
    a.outputPerMillion === b.outputPerMillion
  );
}
