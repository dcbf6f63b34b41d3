import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
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

const measures = {
  gini,
  hhi,
  effectiveNumber,
  shannonEntropy,
  theil,
  renyi2: (values: readonly number[]) => renyiEntropy(values, 2),
  nc50: (values: readonly number[]) => nakamotoCoefficient(values, 0.5),
  top1: (values: readonly number[]) => topShare(values, 1),
};

describe("worked values", () => {
  test.each([
    ["gini [3,2,1]", gini([3, 2, 1]), 0.22222, 5],
    ["gini [1,1,3,0,0]", gini([1, 1, 3, 0, 0]), 0.56, 10],
    ["hhi [8,6,3,3]", hhi([8, 6, 3, 3]), 2950, 8],
    ["entropy [3,2,1]", shannonEntropy([3, 2, 1]), 1.459, 3],
    ["rényi 2", renyiEntropy([432, 288, 216, 64], 2), 1.642, 3],
    ["theil [432,0,0,0]", theil([432, 0, 0, 0]), 1.386, 3],
    ["nakamoto of two halves", nakamotoCoefficient([2, 2], 0.5), 2, 10],
    ["nakamoto of one", nakamotoCoefficient([7], 0.5), 1, 10],
    ["effective number of four alike", effectiveNumber([5, 5, 5, 5]), 4, 10],
    ["top 2 of [4,3,2,1]", topShare([4, 3, 2, 1], 2), 0.7, 10],
    ["participation", participation([1, 0, 2, 0]), 0.5, 10],
    [
      "ten tenths need six for a half",
      nakamotoCoefficient(
        Array.from({ length: 10 }, () => 0.1),
        0.5,
      ),
      6,
      10,
    ],
  ])("%s", (_name, value, wanted, digits) => {
    expect(value).toBeCloseTo(wanted, digits);
  });

  test("bigints of any size are amounts", () => {
    expect(gini([3n * 10n ** 30n, 2n * 10n ** 30n, 10n ** 30n])).toBeCloseTo(0.22222, 5);
  });
});

describe("no data is no figure", () => {
  test.each(Object.entries(measures))("%s", (_name, measure) => {
    expect(measure([])).toBeNull();
    expect(measure([0, 0, 0])).toBeNull();
  });
  test("lorenz", () => {
    expect(lorenzCurve([])).toBeNull();
  });
});

describe("bad input is refused by name", () => {
  test.each([[-1], [Number.NaN], [Number.POSITIVE_INFINITY], [-1n]])("%s", (amount) => {
    const values = typeof amount === "bigint" ? [1n, amount] : [1, amount];
    expect(() => gini(values)).toThrow(expect.objectContaining({ code: "economics.badAmount" }));
    expect(() => gini(values)).toThrow("Amount 1 of 2");
  });
  test("sums beyond all numbers", () => {
    expect(() => hhi([Number.MAX_VALUE, Number.MAX_VALUE])).toThrow(
      expect.objectContaining({ code: "economics.overflow" }),
    );
  });
  test("thresholds, orders and counts", () => {
    expect(() => nakamotoCoefficient([1], 1)).toThrow(expect.objectContaining({ code: "economics.badThreshold" }));
    expect(() => nakamotoCoefficient([1], Number.NaN)).toThrow(
      expect.objectContaining({ code: "economics.badThreshold" }),
    );
    expect(() => renyiEntropy([1], -1)).toThrow(expect.objectContaining({ code: "economics.badOrder" }));
    expect(() => topShare([1], 0)).toThrow(expect.objectContaining({ code: "economics.badCount" }));
  });
});

const amounts = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 50 });
const some = amounts.filter((values) => values.some((value) => value > 1e-3));

describe("laws", () => {
  test("the order of entities and the unit of amounts do not matter", () => {
    fc.assert(
      fc.property(some, fc.double({ min: 0.01, max: 1_000, noNaN: true }), (values, unit) => {
        for (const [name, measure] of Object.entries(measures)) {
          const [same, scaled] = [measure([...values].reverse()), measure(values.map((value) => value * unit))];
          expect(same ?? -1, name).toBeCloseTo(measure(values) ?? -1, 6);
          expect(scaled ?? -1, name).toBeCloseTo(measure(values) ?? -1, 6);
        }
      }),
    );
  });

  test("a transfer from a richer to a poorer entity never concentrates", () => {
    fc.assert(
      fc.property(some, fc.nat(), fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (values, i, j, part) => {
        const [a, b] = [i % values.length, j % values.length];
        const [rich, poor] = (values[a] ?? 0) >= (values[b] ?? 0) ? [a, b] : [b, a];
        const moved = (((values[rich] ?? 0) - (values[poor] ?? 0)) / 2) * part;
        const after = values.map((value, index) =>
          index === rich && rich !== poor ? value - moved : index === poor && rich !== poor ? value + moved : value,
        );
        for (const measure of [gini, hhi, theil]) {
          expect(measure(after) ?? -1).toBeLessThanOrEqual((measure(values) ?? -1) + 1e-6);
        }
        expect(shannonEntropy(after) ?? -1).toBeGreaterThanOrEqual((shannonEntropy(values) ?? -1) - 1e-6);
      }),
    );
  });

  test("doubling every entity keeps Gini and Theil, and doubles the effective number", () => {
    fc.assert(
      fc.property(some, (values) => {
        const twice = [...values, ...values];
        expect(gini(twice) ?? -1).toBeCloseTo(gini(values) ?? -1, 6);
        expect(theil(twice) ?? -1).toBeCloseTo(theil(values) ?? -1, 6);
        expect((effectiveNumber(twice) ?? 0) / (effectiveNumber(values) ?? 1)).toBeCloseTo(2, 6);
        expect((shannonEntropy(twice) ?? 0) - (shannonEntropy(values) ?? 0)).toBeCloseTo(1, 6);
      }),
    );
  });

  test("entities with nothing change Gini and Theil by their laws, and nothing else", () => {
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 20 }), (values, m) => {
        const n = values.length;
        const padded = [...values, ...Array.from({ length: m }, () => 0)];
        expect(gini(padded) ?? -1).toBeCloseTo((n * (gini(values) ?? -1) + m) / (n + m), 6);
        expect(theil(padded) ?? -1).toBeCloseTo((theil(values) ?? -1) + Math.log((n + m) / n), 6);
        for (const measure of [hhi, shannonEntropy, effectiveNumber, measures.nc50, measures.renyi2]) {
          expect(measure(padded) ?? -1).toBeCloseTo(measure(values) ?? -1, 6);
        }
      }),
    );
  });

  test("every figure stays within its bounds", () => {
    fc.assert(
      fc.property(some, (values) => {
        const n = values.length;
        const bounds: readonly (readonly [number | null, number, number])[] = [
          [gini(values), 0, 1 - 1 / n],
          [hhi(values), 10_000 / n, 10_000],
          [effectiveNumber(values), 1, n],
          [shannonEntropy(values), 0, Math.log2(n)],
          [theil(values), 0, Math.log(n)],
          [nakamotoCoefficient(values, 0.5), 1, Math.floor(n / 2) + 1],
          [topShare(values, 1), 1 / n, 1],
        ];
        for (const [value, low, high] of bounds) {
          expect(value ?? Number.NaN).toBeGreaterThanOrEqual(low - 1e-6);
          expect(value ?? Number.NaN).toBeLessThanOrEqual(high + 1e-6);
        }
      }),
    );
  });

  test("Rényi's entropy falls with its order, and is Shannon's at one", () => {
    fc.assert(
      fc.property(some, (values) => {
        const orders = [0, 0.5, 1, 2, 5, Number.POSITIVE_INFINITY].map((order) => renyiEntropy(values, order) ?? -1);
        for (const [index, entropy] of orders.entries()) {
          expect(entropy).toBeLessThanOrEqual((orders[index - 1] ?? Number.POSITIVE_INFINITY) + 1e-6);
        }
        expect(renyiEntropy(values, 1)).toBe(shannonEntropy(values));
      }),
    );
  });

  test("twice the area between the diagonal and the Lorenz curve is the Gini coefficient", () => {
    fc.assert(
      fc.property(some, (values) => {
        const curve = lorenzCurve(values, values.length) ?? [];
        const area = curve.slice(1).reduce((sum, point, index) => {
          const before = curve[index] ?? { entities: 0, amount: 0 };
          return sum + ((point.amount + before.amount) / 2) * (point.entities - before.entities);
        }, 0);
        expect(1 - 2 * area).toBeCloseTo(gini(values) ?? -1, 6);
      }),
    );
  });
});
