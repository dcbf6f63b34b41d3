import { z } from "zod";

/**
 * An amount in the smallest unit of the stable coin: 1,000,000 units are one dollar.
 * Always a bigint; a float never holds money.
 */
export type MicroUsd = bigint & { readonly __unit: "MicroUsd" };

function isMicroUsd(value: bigint): value is MicroUsd {
  return value >= 0n;
}

/** Marks a bigint as money. Negative amounts are a programming error. */
export function microUsd(value: bigint | number): MicroUsd {
  const amount = BigInt(value);
  if (!isMicroUsd(amount)) {
    throw new RangeError(`money cannot be negative: ${amount}`);
  }
  return amount;
}

/** Money in JSON: a string of decimal digits. */
export const microUsdSchema = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,38})$/, "expected a whole number of units as decimal digits")
  .transform((text) => microUsd(BigInt(text)));

/** Prices in units per million tokens. */
export interface Prices {
  readonly inputPerMillion: MicroUsd;
  readonly cachedInputPerMillion: MicroUsd;
  readonly outputPerMillion: MicroUsd;
}

export const pricesSchema = z
  .strictObject({
    inputPerMillion: microUsdSchema,
    cachedInputPerMillion: microUsdSchema,
    outputPerMillion: microUsdSchema,
  })
  // Nobody but the provider sees what its cache held, so saying more than is true must not pay.
  .refine(({ inputPerMillion, cachedInputPerMillion }) => cachedInputPerMillion <= inputPerMillion, {
    path: ["cachedInputPerMillion"],
    message: "a cached token cannot cost more than a fresh one",
  });

/** Tokens that a request used. `cachedTokens` are part of `promptTokens`. */
export interface Usage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

const PER_MILLION = 1_000_000n;

/**
 * What `usage` costs at `prices`, in units, rounded down: fractions of a unit are the buyer's.
 * The sum is rounded once, so splitting a request never makes it dearer by more than a unit per part.
 */
export function costDown(usage: Usage, prices: Prices): MicroUsd {
  const fresh = BigInt(usage.promptTokens - usage.cachedTokens);
  const total =
    fresh * prices.inputPerMillion +
    BigInt(usage.cachedTokens) * prices.cachedInputPerMillion +
    BigInt(usage.outputTokens) * prices.outputPerMillion;
  return microUsd(total / PER_MILLION);
}

/** Dollars with as many digits as needed and at least two, for people: `$0.000123`. */
export function formatUsd(amount: bigint): string {
  const sign = amount < 0n ? "-" : "";
  const units = amount < 0n ? -amount : amount;
  const fraction = (units % PER_MILLION)
    .toString()
    .padStart(6, "0")
    .replace(/0{1,4}$/, "");
  return `${sign}$${units / PER_MILLION}.${fraction}`;
}
