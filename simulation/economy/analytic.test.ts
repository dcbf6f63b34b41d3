import { createRandom, gini, normal, pareto } from "@depinfer/economics";
import { describe, expect, test } from "vitest";
import { cardanoReward, compounding, largestBin, polyaUrn, randomExchange, supermarket } from "./analytic.ts";

/* Tolerances are four standard errors of what is estimated, so that a right simulator fails once in 16,000 changes of seed. */

function variance(values: readonly number[]): { variance: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.map((value) => (value - mean) ** 2);
  const found = squares.reduce((sum, square) => sum + square, 0) / (values.length - 1);
  const fourth = squares.reduce((sum, square) => sum + (square - found) ** 2, 0) / (values.length - 1);
  return { variance: found, error: Math.sqrt(fourth / values.length) };
}

test("Pólya's urn has the variance of its beta distribution", () => {
  const shares = Array.from({ length: 4_000 }, (_, seed) => polyaUrn(0.3, 10, 1, 3_000, seed));
  const found = variance(shares);
  // 3,000 steps leave 0.3 % of the limit's variance out.
  expect(Math.abs(found.variance - 0.01909)).toBeLessThan(4 * found.error + 0.0001);
});

test.each([
  ["constant", 5.528e-4],
  ["geometric", 5.314e-4],
] as const)("%s rewards compound as Fanti et al. computed", (schedule, wanted) => {
  const shares = Array.from({ length: 20_000 }, (_, seed) =>
    compounding(1 / 3, 1_000, { rewards: 1_000, steps: 200, schedule }, seed),
  );
  const found = variance(shares);
  expect(Math.abs(found.variance - wanted)).toBeLessThan(4 * found.error);
});

describe("the supermarket model", () => {
  test("two choices at a load of 0.9 have the queues of the limit", () => {
    const found = supermarket(20_000, 0.9, 2, 8_000_000, 1);
    for (const [i, wanted] of [0.9, 0.729, 0.478, 0.206, 0.038].entries()) {
      expect(Math.abs((found[i] ?? 0) - wanted), `at least ${i + 1}`).toBeLessThan(0.012);
    }
  });

  test("a million balls: the fullest bin falls from 8 to 4 to 3", () => {
    const found = [1, 2, 3].map((choices) => largestBin(1_000_000, choices, 5));
    expect(found[0]).toBeGreaterThanOrEqual(8);
    expect(found[0]).toBeLessThanOrEqual(10);
    expect(found.slice(1)).toEqual([4, 3]);
  });
});

describe("Cardano's reward", () => {
  test.each([
    ["a saturated pool without pledge", cardanoReward(1 / 500, 0, 500, 0.3), 0.7692],
    ["with full pledge", cardanoReward(1 / 500, 1 / 500, 500, 0.3), 1],
    ["one pledge over two pools", cardanoReward(1 / 500, 1 / 1_000, 500, 0.3), 0.8846],
    ["one pledge over ten pools", cardanoReward(1 / 500, 1 / 5_000, 500, 0.3), 0.7923],
  ])("%s", (_name, found, wanted) => {
    expect(found).toBeCloseTo(wanted, 4);
  });
});

describe("Gini of what is known", () => {
  const size = 200_000;
  const draw = (value: (random: () => number) => number) => {
    const random = createRandom(9, "gini");
    return Float64Array.from({ length: size }, () => value(random));
  };

  test("Pareto with tail 3 is 1/(2α − 1)", () => {
    expect(Math.abs((gini(draw((random) => pareto(random, 3))) ?? 0) - 1 / 5)).toBeLessThan(0.005);
  });
  test("lognormal with σ = 1 is erf(1/2)", () => {
    expect(Math.abs((gini(draw((random) => Math.exp(normal(random)))) ?? 0) - 0.5205)).toBeLessThan(0.006);
  });
  test("random exchange tends to a half", () => {
    expect(Math.abs((gini(randomExchange(20_000, 2_000_000, 3)) ?? 0) - 0.5)).toBeLessThan(0.012);
  });
});
