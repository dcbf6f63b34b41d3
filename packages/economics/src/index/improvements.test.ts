import { expect, test } from "vitest";
import { improvementsOf, LAYERS } from "../index.ts";

const even = (count: number) => Array.from({ length: count }, () => 1);

test("the layer where one controller more helps most comes first, with what the index would be", () => {
  // Ten alike need four: ln 4 / ln 16 = 0.5 and ln 4 / ln 256 = 0.25. The fifth makes ln 5 / ln 16 = 0.5805 and 0.2902.
  const found = improvementsOf([
    { name: "a", amounts: even(10), target: 16 },
    { name: "b", amounts: even(10), target: 256 },
  ]);
  const index = 100 * Math.sqrt((Math.log(5) / Math.log(16)) * 0.25);
  // Both rise by the same factor; the lower one is named first.
  expect(found).toEqual([
    { layer: "b", nc33: 5, index: expect.closeTo(index, 10) },
    { layer: "a", nc33: 5, index: expect.closeTo(index, 10) },
  ]);
});

test("while two layers have one controller nothing helps alone, and they come before the others", () => {
  const found = improvementsOf([
    { name: "fine", amounts: even(10), target: 256 },
    { name: "one", amounts: [1], target: 10 },
    { name: "two", amounts: [1], target: 10 },
  ]);
  expect(found.map(({ layer, index }) => [layer, index])).toEqual([
    ["one", 0],
    ["two", 0],
    ["fine", 0],
  ]);
});

test("layers that reached their target, or have no data, are left out", () => {
  expect(
    improvementsOf([
      { name: "full", amounts: even(100), target: 10 },
      { name: "empty", amounts: [], target: 10 },
    ]),
  ).toEqual([]);
});

test("every layer of the plan has a target that a score can be made of", () => {
  expect(LAYERS).toHaveLength(10);
  expect(new Set(LAYERS.map(({ name }) => name)).size).toBe(10);
  expect(LAYERS.every(({ target }) => target >= 2)).toBe(true);
});
