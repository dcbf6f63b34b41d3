import fc from "fast-check";
import { expect, test } from "vitest";
import { clopperPearson, upperBound, upperTail } from "./binomial.ts";

/** By summing the terms, for small n. */
function summed(n: number, k: number, p: number): number {
  let term = (1 - p) ** n;
  let below = 0;
  for (let i = 0; i < k; i++) {
    below += term;
    term *= ((n - i) / (i + 1)) * (p / (1 - p));
  }
  return 1 - below;
}

test("tails agree with the sum of their terms", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 60 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (n, k, p) => {
        expect(upperTail(n, Math.min(k, n), p)).toBeCloseTo(summed(n, Math.min(k, n), p), 9);
      },
    ),
  );
});

test("tails far below what a double's 1 - x can hold", () => {
  // C(20, 5) 1e-30, to the leading order.
  expect(upperTail(20, 5, 1e-6) / (15_504 * 1e-30)).toBeCloseTo(1, 4);
});

test("intervals of the textbook", () => {
  // Rule of three: -ln(0.05) / n; Clopper and Pearson's own table for 10 of 100.
  expect(upperBound(0, 1_000_000, 0.95) * 1e6).toBeCloseTo(2.9957, 3);
  const { low, high } = clopperPearson(10, 100);
  expect(low).toBeCloseTo(0.049, 4);
  expect(high).toBeCloseTo(0.1762, 4);
  expect(clopperPearson(0, 10).low).toBe(0);
  expect(clopperPearson(10, 10).high).toBe(1);
});

test("an interval holds the rate at which its tails are cut", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.nat(500), (n, k) => {
      const successes = Math.min(n, k);
      const { low, high } = clopperPearson(successes, n);
      expect(low).toBeLessThanOrEqual(successes / n);
      expect(high).toBeGreaterThanOrEqual(successes / n);
      if (successes > 0) {
        expect(upperTail(n, successes, low)).toBeCloseTo(0.025, 6);
      }
    }),
  );
});
