import { EconomicsError } from "./concentration/economics-error.ts";

/*
 * The base price of a model, and what providers post below it. The price follows utilisation as a base fee does (EIP-1559's
 * rule): p ← p · (1 + δ · (u/u* − 1)). With demand of constant elasticity e the step's slope at the fixed point is 1 − δe, so the
 * price settles iff |1 − δe| < 1, that is e < 2/δ: 16 at δ = 1/8. There is no auction downwards: who runs below cost would win it.
 */

/** How strongly the price answers, δ. */
export const GAIN = 1 / 8;
/** Utilisation at which the price rests, u*. */
export const TARGET_UTILISATION = 0.6;
const BPS = 10_000n;
/** Parts in which the factor is applied to money, so that every node computes the same units. */
const PARTS = 1_000_000n;

export interface BasePriceRule {
  /** u*, in (0, 1). */
  readonly target?: number;
  /** δ, in (0, 1]. */
  readonly gain?: number;
}

/**
 * By what the price is multiplied after a period with this utilisation.
 *
 * @param utilisation share of the bonded slots that were at work, from 0 to 1.
 * @throws EconomicsError `economics.badUtilisation` or `economics.badRule`.
 */
export function basePriceFactor(
  utilisation: number,
  { target = TARGET_UTILISATION, gain = GAIN }: BasePriceRule = {},
): number {
  if (!(utilisation >= 0 && utilisation <= 1)) {
    throw new EconomicsError({
      code: "economics.badUtilisation",
      message: `A utilisation of ${utilisation} is not between 0 and 1`,
      remedy: "Give the share of the slots that were at work",
    });
  }
  if (!(target > 0 && target < 1 && gain > 0 && gain <= 1)) {
    throw new EconomicsError({
      code: "economics.badRule",
      message: `A target of ${target} with a gain of ${gain} is no rule for a price`,
      remedy: "Give a target between 0 and 1, and a gain above 0 and at most 1",
    });
  }
  return 1 + gain * (utilisation / target - 1);
}

/**
 * The base price of the next period, in units per million tokens. Rounded down, in the buyer's favour, and never below one
 * unit: a price of zero could not rise again.
 *
 * @throws as `basePriceFactor`, or RangeError for a price below one unit.
 */
export function nextBasePriceDown(price: bigint, utilisation: number, rule: BasePriceRule = {}): bigint {
  if (price < 1n) {
    throw new RangeError(`a base price of ${price} units cannot move`);
  }
  const factor = BigInt(Math.floor(basePriceFactor(utilisation, rule) * Number(PARTS)));
  const next = (price * factor) / PARTS;
  return next < 1n ? 1n : next;
}

/** The largest elasticity of demand with which the price settles, excluded: 2/δ. */
export function stableElasticity({ gain = GAIN }: Pick<BasePriceRule, "gain"> = {}): number {
  return 2 / gain;
}

/**
 * The price that somebody posts who follows another's word for it: towards `target`, and by no more in one period than the
 * rule itself can move a price. Who lies about the base price moves followers no faster than a market could.
 *
 * @throws as `basePriceFactor`, or RangeError for prices below one unit.
 */
export function followedPriceDown(current: bigint, target: bigint, rule: BasePriceRule = {}): bigint {
  if (current < 1n || target < 1n) {
    throw new RangeError(`a price of ${current} units cannot follow one of ${target}`);
  }
  const least = nextBasePriceDown(current, 0, rule);
  // At least a unit up: small prices would be rounded back to where they are for ever.
  const most = nextBasePriceDown(current, 1, rule);
  const up = most > current ? most : current + 1n;
  return target < least ? least : target > up ? up : target;
}

/**
 * What a provider that posts a discount asks, in units per million tokens, rounded down.
 *
 * @param discountBps parts of ten thousand below the base price, 0 to 10,000.
 * @throws RangeError for a negative price or a discount outside of this.
 */
export function postedPriceDown(base: bigint, discountBps: number): bigint {
  if (base < 0n || !Number.isInteger(discountBps) || discountBps < 0 || discountBps > Number(BPS)) {
    throw new RangeError(`${discountBps} of 10,000 below a base price of ${base} units is no price`);
  }
  return (base * (BPS - BigInt(discountBps))) / BPS;
}
