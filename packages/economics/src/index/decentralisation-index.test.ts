import fc from "fast-check";
import { expect, test } from "vitest";
import { decentralisationIndex } from "../index.ts";

const even = (count: number) => Array.from({ length: count }, () => 1);

test("a layer with one controller makes the index zero, and is named", () => {
  const found = decentralisationIndex([
    { name: "revenue", amounts: even(1_000), target: 100 },
    { name: "keys", amounts: [1], target: 10 },
  ]);
  expect(found.index).toBe(0);
  expect(found.weakest).toBe("keys");
});

test("enough controllers everywhere make it 100", () => {
  expect(decentralisationIndex([{ name: "revenue", amounts: even(1_000), target: 100 }]).index).toBe(100);
});

test("the index is the geometric mean of what each layer reaches", () => {
  // Ten alike: four of them have more than 33 %.
  const found = decentralisationIndex([
    { name: "a", amounts: even(10), target: 16 },
    { name: "b", amounts: even(10), target: 256 },
  ]);
  expect(found.layers.map(({ nc33, score }) => [nc33, score])).toEqual([
    [4, 0.5],
    [4, 0.25],
  ]);
  expect(found.index).toBeCloseTo(100 * Math.sqrt(0.5 * 0.25), 10);
});

test("without data there is no figure, and the layer is named", () => {
  const found = decentralisationIndex([{ name: "votes", amounts: [], target: 10 }]);
  expect(found).toMatchObject({ index: null, weakest: null, withoutData: ["votes"] });
  const some = decentralisationIndex([
    { name: "votes", amounts: [0, 0], target: 10 },
    { name: "revenue", amounts: even(10), target: 4 },
  ]);
  expect(some.index).toBeCloseTo(100, 10);
  expect(some.withoutData).toEqual(["votes"]);
});

test("it is between 0 and 100, and never falls when an entity is divided among new owners", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 2, max: 50 }),
      (amounts, target) => {
        const figure = (values: readonly number[]) =>
          decentralisationIndex([{ name: "a", amounts: values, target }]).index ?? -1;
        const [largest = 1] = [...amounts].sort((a, b) => b - a);
        const at = amounts.indexOf(largest);
        const divided = [...amounts.filter((_, index) => index !== at), largest / 2, largest / 2];
        expect(figure(amounts)).toBeGreaterThanOrEqual(0);
        expect(figure(amounts)).toBeLessThanOrEqual(100);
        expect(figure(divided)).toBeGreaterThanOrEqual(figure(amounts) - 1e-9);
      },
    ),
  );
});

test("a target that nobody could miss is refused", () => {
  expect(() => decentralisationIndex([{ name: "a", amounts: [1], target: 1 }])).toThrow(
    expect.objectContaining({ code: "economics.badTarget" }),
  );
});
