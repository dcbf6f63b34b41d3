import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  basePriceFactor,
  followedPriceDown,
  nextBasePriceDown,
  postedPriceDown,
  stableElasticity,
  TARGET_UTILISATION,
} from "./base-price.ts";

/** Prices after many periods of a market whose demand has a constant elasticity and meets its target at a price of 1. */
function trace(elasticity: number, start: number, periods: number): number[] {
  const prices = [start];
  for (let period = 0; period < periods; period++) {
    const price = prices.at(-1) ?? start;
    const utilisation = Math.min(1, TARGET_UTILISATION * price ** -elasticity);
    prices.push(price * basePriceFactor(utilisation));
  }
  return prices;
}

describe("the base price", () => {
  test("rests at the target, rises above it and falls below it, by an eighth at most", () => {
    expect(basePriceFactor(TARGET_UTILISATION)).toBe(1);
    expect(basePriceFactor(0)).toBe(0.875);
    expect(basePriceFactor(1)).toBeCloseTo(1 + (1 / 8) * (1 / 0.6 - 1), 12);
    expect(nextBasePriceDown(80_000n, 0)).toBe(70_000n);
    expect(nextBasePriceDown(1n, 0)).toBe(1n);
  });

  test("settles with an elasticity of 15.5 and cycles with 16.5, between .983 and 1.024", () => {
    expect(stableElasticity()).toBe(16);
    const calm = trace(15.5, 1.01, 2_000).slice(-50);
    for (const price of calm) {
      expect(price).toBeCloseTo(1, 6);
    }
    const cycle = trace(16.5, 1.01, 5_000).slice(-50);
    expect(Math.min(...cycle)).toBeCloseTo(0.983, 3);
    expect(Math.max(...cycle)).toBeCloseTo(1.024, 3);
  });

  test("settles below the bound from anywhere near, and not above it", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 15, noNaN: true }),
        fc.double({ min: 0.9, max: 1.1, noNaN: true }),
        (e, start) => {
          const last = trace(e, start, 4_000).slice(-2);
          expect(last[0]).toBeCloseTo(1, 4);
          expect(last[1]).toBeCloseTo(1, 4);
        },
      ),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(fc.double({ min: 17, max: 25, noNaN: true }), (e) => {
        const [a = 0, b = 0] = trace(e, 1.001, 4_000).slice(-2);
        expect(Math.abs(a - b)).toBeGreaterThan(0.01);
      }),
      { numRuns: 50 },
    );
  });

  test("in units is never above the exact one, never below one unit, and monotone in use", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 12n }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (price, one, other) => {
          const [low, high] = one < other ? [one, other] : [other, one];
          expect(nextBasePriceDown(price, low)).toBeLessThanOrEqual(nextBasePriceDown(price, high));
          expect(nextBasePriceDown(price, low)).toBeGreaterThanOrEqual(1n);
          expect(Number(nextBasePriceDown(price, high))).toBeLessThanOrEqual(
            Math.max(1, Number(price) * basePriceFactor(high) * (1 + 1e-12)),
          );
        },
      ),
    );
  });

  test.each([Number.NaN, -0.1, 1.1, Number.POSITIVE_INFINITY])(
    "does not move by a utilisation of %d",
    (utilisation) => {
      expect(() => basePriceFactor(utilisation)).toThrow(/not between 0 and 1/);
    },
  );

  test.each([[{ target: 0 }], [{ target: 1 }], [{ gain: 0 }], [{ gain: 2 }], [{ target: Number.NaN }]])(
    "refuses the rule %j",
    (rule) => {
      expect(() => basePriceFactor(0.5, rule)).toThrow(/no rule/);
    },
  );
});

describe("a posted discount", () => {
  test("is taken from the base price, rounded down", () => {
    expect(postedPriceDown(99_999n, 0)).toBe(99_999n);
    expect(postedPriceDown(99_999n, 2_500)).toBe(74_999n);
    expect(postedPriceDown(99_999n, 10_000)).toBe(0n);
  });

  test.each([-1, 10_001, 0.5, Number.NaN])("of %d is none", (bps) => {
    expect(() => postedPriceDown(1_000n, bps)).toThrow(RangeError);
  });
});

describe("who follows another's word", () => {
  test("arrives where it says, in bounded steps", () => {
    let price = 200_000n;
    for (let period = 0; period < 100; period++) {
      price = followedPriceDown(price, 350_000n);
    }
    expect(price).toBe(350_000n);
  });

  test("moves by no more than the rule could in one period, whatever it is told", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 15n }),
        fc.bigInt({ min: 1n, max: 10n ** 30n }),
        (current, target) => {
          const next = followedPriceDown(current, target);
          expect(next >= 1n).toBe(true);
          expect(next >= nextBasePriceDown(current, 0)).toBe(true);
          const most = nextBasePriceDown(current, 1);
          expect(next <= (most > current ? most : current + 1n)).toBe(true);
          // Never away from what it is told.
          expect(target >= current ? next >= current && next <= target : next <= current && next >= target).toBe(true);
        },
      ),
    );
  });

  test("refuses prices that cannot move", () => {
    expect(() => followedPriceDown(0n, 5n)).toThrow(RangeError);
    expect(() => followedPriceDown(5n, 0n)).toThrow(RangeError);
  });
});
