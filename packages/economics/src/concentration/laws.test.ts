import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Amounts,
  effectiveNumber,
  gini,
  hhi,
  lorenzCurve,
  nakamotoCoefficient,
  participation,
  renyiEntropy,
  shannonEntropy,
  theil,
  topShare,
} from "../index.ts";

/* Laws that measures of concentration have to obey whatever the amounts, over whole numbers so that ties are common. */

const all: Readonly<Record<string, (amounts: Amounts) => number | null>> = {
  gini,
  hhi,
  effectiveNumber,
  shannonEntropy,
  theil,
  renyi0: (amounts) => renyiEntropy(amounts, 0),
  renyi2: (amounts) => renyiEntropy(amounts, 2),
  renyiMost: (amounts) => renyiEntropy(amounts, Number.POSITIVE_INFINITY),
  nc33: (amounts) => nakamotoCoefficient(amounts, 1 / 3),
  nc50: (amounts) => nakamotoCoefficient(amounts, 0.5),
  top3: (amounts) => topShare(amounts, 3),
  participation,
};
const whole = fc
  .array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 60 })
  .filter((amounts) => amounts.some((amount) => amount > 0));
const figure = (measure: (amounts: Amounts) => number | null, amounts: Amounts) => measure(amounts) ?? Number.NaN;

test("any order, and plain, typed and big numbers, give the same figure", () => {
  fc.assert(
    fc.property(
      whole.chain((amounts) =>
        fc.tuple(fc.constant(amounts), fc.shuffledSubarray(amounts, { minLength: amounts.length })),
      ),
      ([amounts, shuffled]) => {
        for (const [name, measure] of Object.entries(all)) {
          const wanted = figure(measure, amounts);
          expect(figure(measure, shuffled), name).toBeCloseTo(wanted, 9);
          expect(figure(measure, Float64Array.from(amounts)), name).toBe(wanted);
          expect(figure(measure, amounts.map(BigInt)), name).toBe(wanted);
        }
      },
    ),
  );
});

test("the unit does not matter, from the smallest numbers to the largest", () => {
  fc.assert(
    fc.property(whole, fc.constantFrom(1e-300, 1e-9, 7, 1e9, 1e300), (amounts, unit) => {
      for (const [name, measure] of Object.entries(all)) {
        const scaled = amounts.map((amount) => amount * unit);
        expect(figure(measure, scaled), name).toBeCloseTo(figure(measure, amounts), 7);
      }
    }),
  );
});

test("transfer principle: what goes from a richer to a poorer one, and not past it, never concentrates", () => {
  fc.assert(
    fc.property(whole, fc.nat(), fc.nat(), fc.nat(), (amounts, i, j, part) => {
      const [a, b] = [i % amounts.length, j % amounts.length];
      const [rich, poor] = (amounts[a] ?? 0) >= (amounts[b] ?? 0) ? [a, b] : [b, a];
      const gap = (amounts[rich] ?? 0) - (amounts[poor] ?? 0);
      // A whole transfer below the gap, so that the two may change places but come no further apart.
      const moved = gap === 0 ? 0 : part % gap;
      const after = [...amounts];
      after[rich] = (after[rich] ?? 0) - moved;
      after[poor] = (after[poor] ?? 0) + moved;
      if (rich === poor) {
        return;
      }
      for (const measure of [gini, hhi, theil]) {
        const [before, now] = [figure(measure, amounts), figure(measure, after)];
        expect(now).toBeLessThanOrEqual(before * (1 + 1e-12) + 1e-12);
        // Strictly, where something moved and they did not just change places.
        expect(moved === 0 || now < before).toBe(true);
      }
      for (const entropy of [shannonEntropy, all.renyi2 ?? hhi]) {
        expect(figure(entropy, after)).toBeGreaterThanOrEqual(figure(entropy, amounts) - 1e-9);
      }
      expect(figure((of) => topShare(of, 3), after)).toBeLessThanOrEqual(
        figure((of) => topShare(of, 3), amounts) + 1e-9,
      );
    }),
  );
});

test("replication: k copies keep Gini and Theil, divide HHI by k, add log k bits, and multiply how few it takes", () => {
  fc.assert(
    fc.property(whole, fc.integer({ min: 2, max: 6 }), (amounts, k) => {
      const copies = Array.from({ length: k }, () => amounts).flat();
      expect(figure(gini, copies)).toBeCloseTo(figure(gini, amounts), 9);
      expect(figure(theil, copies)).toBeCloseTo(figure(theil, amounts), 9);
      expect(figure(hhi, copies)).toBeCloseTo(figure(hhi, amounts) / k, 6);
      expect(figure(effectiveNumber, copies)).toBeCloseTo(figure(effectiveNumber, amounts) * k, 6);
      for (const entropy of [shannonEntropy, all.renyi2 ?? hhi, all.renyi0 ?? hhi]) {
        expect(figure(entropy, copies)).toBeCloseTo(figure(entropy, amounts) + Math.log2(k), 9);
      }
      for (const threshold of [1 / 3, 0.5]) {
        const of = (values: Amounts) => figure((them) => nakamotoCoefficient(them, threshold), values);
        // The last of the group may be needed in fewer than k copies.
        expect(of(copies)).toBeLessThanOrEqual(k * of(amounts));
        expect(of(copies)).toBeGreaterThan(k * (of(amounts) - 1));
      }
    }),
  );
});

test("zeros: Gini and Theil by their laws, participation by its own, nothing else", () => {
  fc.assert(
    fc.property(whole, fc.integer({ min: 1, max: 40 }), (amounts, m) => {
      const n = amounts.length;
      const padded = [...amounts, ...Array.from({ length: m }, () => 0)];
      const laws: Readonly<Record<string, (before: number) => number>> = {
        gini: (before) => (n * before + m) / (n + m),
        theil: (before) => before + Math.log((n + m) / n),
        participation: (before) => (before * n) / (n + m),
      };
      for (const [name, measure] of Object.entries(all)) {
        const before = figure(measure, amounts);
        expect(figure(measure, padded), name).toBeCloseTo((laws[name] ?? ((same) => same))(before), 9);
      }
    }),
  );
});

test("the Nakamoto coefficient is the fewest whose whole sum is above the threshold, by arithmetic without rounding", () => {
  fc.assert(
    fc.property(whole, fc.integer({ min: 1, max: 11 }), (amounts, twelfths) => {
      const total = amounts.reduce((sum, amount) => sum + amount, 0);
      let [together, wanted] = [0, 0];
      for (const amount of [...amounts].sort((a, b) => b - a)) {
        together += amount;
        wanted += 1;
        if (12 * together > twelfths * total) {
          break;
        }
      }
      expect(nakamotoCoefficient(amounts, twelfths / 12)).toBe(wanted);
    }),
  );
});

describe("one alone has everything", () => {
  test.each([1, 5e-324, Number.MAX_VALUE])("%d", (amount) => {
    const figures = Object.entries(all).map(([name, measure]) => [name, measure([amount])]);
    expect(Object.fromEntries(figures)).toEqual({
      gini: 0,
      hhi: 10_000,
      effectiveNumber: 1,
      shannonEntropy: 0,
      theil: 0,
      renyi0: 0,
      renyi2: 0,
      renyiMost: 0,
      nc33: 1,
      nc50: 1,
      top3: 1,
      participation: 1,
    });
  });
});

describe("no measure takes what is no amount", () => {
  const wrong: readonly (readonly [string, Amounts])[] = [
    ["negative", [1, -1e-300]],
    ["not a number", Float64Array.of(1, Number.NaN)],
    ["infinite", [1, Number.POSITIVE_INFINITY]],
    ["infinitely negative", [1, Number.NEGATIVE_INFINITY]],
    ["negative and big", [1n, -(10n ** 30n)]],
    ["bigger than all numbers", [1n, 10n ** 400n]],
  ];
  test.each(wrong)("%s", (_name, amounts) => {
    for (const measure of Object.values(all)) {
      expect(() => measure(amounts)).toThrow(
        expect.objectContaining({ code: "economics.badAmount", metadata: { index: 1, amount: String(amounts[1]) } }),
      );
    }
    expect(() => lorenzCurve(amounts)).toThrow(expect.objectContaining({ code: "economics.badAmount" }));
  });
  test("a sum beyond all numbers", () => {
    for (const measure of Object.values(all)) {
      expect(() => measure(new Float64Array(3).fill(1e308))).toThrow(
        expect.objectContaining({ code: "economics.overflow" }),
      );
    }
  });
});

test("a million entities: figures that are known on paper, and amounts that stay as they were", () => {
  const million = Float64Array.from({ length: 1_000_000 }, (_, index) => 1_000_000 - index);
  const before = million.slice();
  expect(gini(million)).toBeCloseTo((1_000_000 - 1) / (3 * 1_000_000), 9);
  // Σ i² / (Σ i)²
  expect(hhi(million)).toBeCloseTo((10_000 * 2 * (2 * 1_000_000 + 1)) / (3 * 1_000_000 * 1_000_001), 9);
  expect(nakamotoCoefficient(million, 0.5)).toBe(Math.ceil(1_000_000 * (1 - Math.SQRT1_2)));
  expect(million).toEqual(before);
});
