import { DepinferError, flatPrice } from "@depinfer/protocol";

/** Units that a pass costs for a million tokens if its whole quota is used: the price shared out, fee and all. */
export function pricePerMillion({ price, quota }: { readonly price: bigint; readonly quota: bigint }): bigint {
  return quota === 0n ? 0n : (price * 1_000_000n + quota - 1n) / quota;
}

/** What providers are paid of it for a million tokens: the same without the fee (`flatPrice` of the contract's rule). */
export function providersPerMillion(tier: { readonly price: bigint; readonly quota: bigint }): bigint {
  return tier.quota === 0n ? 0n : flatPrice(tier);
}

/** Units by which the refund of an unused pass shrinks in an hour, rounded up. */
export function shrinksPerHour({
  net,
  fee,
  start,
  end,
}: {
  readonly net: bigint;
  readonly fee: bigint;
  /** Unix seconds. */
  readonly start: number;
  readonly end: number;
}): bigint {
  const term = BigInt(Math.max(1, end - start));
  return ((net + fee) * 3_600n + term - 1n) / term;
}

/** Share of a quota that is used, between 0 and 1; exact in the integers, rounded only for the eye. */
export function usedShare({ granted, remaining }: { readonly granted: bigint; readonly remaining: bigint }): number {
  if (granted <= 0n) {
    return 1;
  }
  const used = granted - (remaining < 0n ? 0n : remaining);
  return Math.min(1, Math.max(0, Number((used * 10_000n) / granted) / 10_000));
}

/** The chain's own coin with at most six decimals, rounded up: `0.000123 coins`. What is less says so. */
export function coins(smallest: bigint): string {
  const DECIMALS = 1_000_000n;
  const rounded = (smallest * DECIMALS + 10n ** 18n - 1n) / 10n ** 18n;
  if (smallest > 0n && rounded === 1n) {
    return "under 0.000001 coins";
  }
  const text = `${rounded / DECIMALS}.${String(rounded % DECIMALS).padStart(6, "0")}`;
  return `${text.replace(/\.?0+$/, "")} coins`;
}

/** A tier's price is another one than the page showed. */
export function priceChanged(shown: bigint, price: bigint): DepinferError {
  return new DepinferError({
    code: "pass.priceDiffers",
    message: `The contract asks ${price} units for this tier, and this page was told ${shown}`,
    remedy: "Reload; if it stays so, do not trust this page's indexer",
    metadata: { shown: shown.toString(), price: price.toString() },
  });
}
