import { EconomicsError } from "./economics-error.ts";

/**
 * What each entity has: revenue, slots, votes, blocks. Non-negative and finite; bigints may be of any size. Order does
 * not matter. Zeros count as entities for Gini and Theil, and change nothing for the other figures.
 */
export type Amounts = readonly number[] | readonly bigint[] | Float64Array;

/** Amounts as shares of their sum, in the order given; null where there is nothing to share. */
export interface Shares {
  readonly shares: Float64Array;
  readonly total: number;
}

/**
 * Checks amounts and divides them by their sum.
 *
 * @returns null for no entities, or a sum of zero: there is no data, which is not a figure of zero.
 * @throws EconomicsError `economics.badAmount` naming the entity, `economics.overflow` for a sum beyond all numbers.
 */
export function sharesOf(amounts: Amounts): Shares | null {
  const values = new Float64Array(amounts.length);
  let sum = 0;
  let lost = 0;
  for (let index = 0; index < values.length; index++) {
    const amount = Number(amounts[index]);
    if (!(amount >= 0 && amount < Number.POSITIVE_INFINITY)) {
      throw new EconomicsError({
        code: "economics.badAmount",
        message: `Amount ${index} of ${values.length} is ${String(amounts[index])}`,
        remedy: "Pass amounts that are zero or more, and finite",
        metadata: { index, amount: String(amounts[index]) },
      });
    }
    values[index] = amount;
    // Neumaier's summation: the error of adding many small amounts to a large sum is kept and added at the end.
    const next = sum + amount;
    lost += sum >= amount ? sum - next + amount : amount - next + sum;
    sum = next;
  }
  const total = sum + lost;
  if (!Number.isFinite(total)) {
    throw new EconomicsError({
      code: "economics.overflow",
      message: `The ${values.length} amounts add up to more than a number can hold`,
      remedy: "Pass them in a larger unit",
    });
  }
  if (total === 0) {
    return null;
  }
  for (let index = 0; index < values.length; index++) {
    values[index] = (values[index] ?? 0) / total;
  }
  return { shares: values, total };
}

/** The same, largest first. */
export function sortedShares(amounts: Amounts): Float64Array | null {
  const found = sharesOf(amounts);
  return found === null ? null : found.shares.sort().reverse();
}
