import fc from "fast-check";
import { expect, test } from "vitest";
import { weightedMedianDown } from "./weighted-median.ts";

test.each([
  ["nothing", [], null],
  ["what has no weight", [{ value: 5n, weight: 0 }], null],
  ["one", [{ value: 5n, weight: 2 }], 5n],
  [
    "two alike: the lower",
    [
      { value: 9n, weight: 1 },
      { value: 5n, weight: 1 },
    ],
    5n,
  ],
  [
    "the heavier of two",
    [
      { value: 9n, weight: 3 },
      { value: 5n, weight: 2 },
    ],
    9n,
  ],
  // By hand: half of 10 is reached by 1 + 4 at 20.
  [
    "three",
    [
      { value: 30n, weight: 5 },
      { value: 10n, weight: 1 },
      { value: 20n, weight: 4 },
    ],
    20n,
  ],
])("of %s", (_, amounts, expected) => {
  expect(weightedMedianDown(amounts)).toBe(expected);
});

test("who has less than half of the weight cannot move it beyond what the others gave", () => {
  const some = fc.array(
    fc.record({ value: fc.bigInt({ min: 0n, max: 10n ** 12n }), weight: fc.integer({ min: 1, max: 100 }) }),
    {
      minLength: 1,
      maxLength: 20,
    },
  );
  fc.assert(
    fc.property(
      some,
      fc.bigInt({ min: 0n, max: 10n ** 15n }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (honest, lie, share) => {
        const together = honest.reduce((sum, { weight }) => sum + weight, 0);
        const values = honest.map(({ value }) => value);
        const found = weightedMedianDown([...honest, { value: lie, weight: together * share }]);
        expect(values.some((value) => found !== null && value <= found)).toBe(true);
        expect(values.some((value) => found !== null && value >= found)).toBe(true);
      },
    ),
  );
});

test("dividing a weight among names moves nothing", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ value: fc.bigInt({ min: 0n, max: 1_000n }), weight: fc.integer({ min: 0, max: 50 }) }), {
        maxLength: 10,
      }),
      (amounts) => {
        const divided = amounts.flatMap(({ value, weight }) =>
          Array.from({ length: weight }, () => ({ value, weight: 1 })),
        );
        expect(weightedMedianDown(divided)).toBe(weightedMedianDown(amounts));
      },
    ),
  );
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("a weight of %d is refused", (weight) => {
  expect(() => weightedMedianDown([{ value: 1n, weight }])).toThrow(RangeError);
});
