import { type Amounts, sharesOf, sortedShares } from "./amounts.ts";
import { EconomicsError } from "./economics-error.ts";

/*
 * How concentrated amounts are. Every measure takes what each entity has, in any order, and returns null where there is
 * no data. s are shares of the sum, n is the number of entities, zeros included.
 */

/**
 * Gini coefficient, 0 (all alike) to 1 − 1/n (one has all): mean absolute difference over twice the mean.
 * G = Σ (2i − n − 1) s_i / n over ascending shares (Sen 1973). m entities with nothing raise it to (nG + m) / (n + m).
 */
export function gini(amounts: Amounts): number | null {
  const shares = sortedShares(amounts);
  if (shares === null) {
    return null;
  }
  const n = shares.length;
  let weighted = 0;
  // Largest first: the one at `index` has rank n − index.
  for (let index = 0; index < n; index++) {
    weighted += (n - 1 - 2 * index) * (shares[index] ?? 0);
  }
  return Math.max(0, weighted / n);
}

/** Herfindahl–Hirschman index, 0 to 10,000 (one has all): 10,000 Σ s². Entities with nothing do not change it. */
export function hhi(amounts: Amounts): number | null {
  const found = sharesOf(amounts);
  return found === null ? null : 10_000 * sumOf(found.shares, (share) => share * share);
}

/** Number of equal entities that would be as concentrated: 10,000 / HHI, 1 to n. */
export function effectiveNumber(amounts: Amounts): number | null {
  const index = hhi(amounts);
  return index === null ? null : 10_000 / index;
}

/** Shannon entropy in bits, 0 (one has all) to log₂ n: −Σ s log₂ s. */
export function shannonEntropy(amounts: Amounts): number | null {
  const found = sharesOf(amounts);
  return found === null ? null : Math.max(0, -sumOf(found.shares, (share) => share * Math.log2(share)));
}

/**
 * Rényi entropy in bits: log₂(Σ s^α) / (1 − α). Order 0 is the logarithm of how many have anything, 1 is Shannon's, 2 that
 * of two draws being the same, infinity that of the largest share.
 *
 * @throws EconomicsError `economics.badOrder` for a negative order or none.
 */
export function renyiEntropy(amounts: Amounts, order: number): number | null {
  if (!(order >= 0)) {
    throw new EconomicsError({
      code: "economics.badOrder",
      message: `The order of a Rényi entropy is ${order}`,
      remedy: "Pass zero or more; 2 is usual",
      metadata: { order },
    });
  }
  if (order === 1) {
    return shannonEntropy(amounts);
  }
  const found = sharesOf(amounts);
  if (found === null) {
    return null;
  }
  const { shares } = found;
  if (order === Number.POSITIVE_INFINITY) {
    return Math.max(0, -Math.log2(shares.reduce((largest, share) => Math.max(largest, share))));
  }
  // A product costs a tenth of a power, and two is the order that is asked for.
  const powers = order === 2 ? sumOf(shares, (share) => share * share) : sumOf(shares, (share) => share ** order);
  return Math.max(0, Math.log2(powers) / (1 - order));
}

/**
 * Theil index in nats, 0 (all alike) to ln n (one has all): Σ s ln(n s). m entities with nothing add ln((n + m) / n).
 */
export function theil(amounts: Amounts): number | null {
  const found = sharesOf(amounts);
  if (found === null) {
    return null;
  }
  const n = found.shares.length;
  return Math.max(
    0,
    sumOf(found.shares, (share) => share * Math.log(n * share)),
  );
}

/**
 * Nakamoto coefficient: how few entities together have more than `threshold` of the sum. More, not as much: two with a half
 * each need both for 0.5.
 *
 * @param threshold share of the sum, above 0 and below 1.
 * @throws EconomicsError `economics.badThreshold`.
 */
export function nakamotoCoefficient(amounts: Amounts, threshold: number): number | null {
  if (!(threshold > 0 && threshold < 1)) {
    throw new EconomicsError({
      code: "economics.badThreshold",
      message: `The threshold of a Nakamoto coefficient is ${threshold}`,
      remedy: "Pass a share between 0 and 1, such as 0.5 or 0.33",
      metadata: { threshold },
    });
  }
  const shares = sortedShares(amounts);
  if (shares === null) {
    return null;
  }
  let together = 0;
  for (let count = 0; count < shares.length; count++) {
    together += shares[count] ?? 0;
    // Shares that add up to the threshold in exact arithmetic may come out a hair above it.
    if (together > threshold + EXACT) {
      return count + 1;
    }
  }
  return shares.length;
}

/** Well above what adding a million shares can be wrong by, well below any share that matters. */
const EXACT = 1e-12;

/**
 * Share of the `k` largest together, 0 to 1; all of it where there are fewer.
 *
 * @throws EconomicsError `economics.badCount` unless k is a whole number above zero.
 */
export function topShare(amounts: Amounts, k: number): number | null {
  if (!Number.isInteger(k) || k < 1) {
    throw new EconomicsError({
      code: "economics.badCount",
      message: `The share of the ${k} largest was asked for`,
      remedy: "Pass a whole number above zero",
      metadata: { k },
    });
  }
  const shares = sortedShares(amounts);
  return shares === null
    ? null
    : Math.min(
        1,
        sumOf(shares.subarray(0, k), (share) => share),
      );
}

/** Part of the entities that have anything, 0 to 1. */
export function participation(amounts: Amounts): number | null {
  const found = sharesOf(amounts);
  return found === null ? null : sumOf(found.shares, () => 1) / found.shares.length;
}

/** Sum over the shares above zero: 0 log 0 is 0. */
function sumOf(shares: Float64Array, term: (share: number) => number): number {
  let sum = 0;
  for (const share of shares) {
    sum += share > 0 ? term(share) : 0;
  }
  return sum;
}
