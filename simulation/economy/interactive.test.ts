import { expect, test } from "vitest";
import { type InteractiveSettings, runInteractive } from "./interactive.ts";

const settings: InteractiveSettings = {
  whaleShare: 0.3,
  memberFloor: 0.3,
  elasticity: 2,
  tailAlpha: 2,
  ownerCap: null,
  seed: 1,
};

test("slots with a floor spread work further than capacity alone, and a cap further still", () => {
  const open = runInteractive(settings).markets;
  const capped = runInteractive({ ...settings, ownerCap: 0.05 }).markets;
  expect(open.likeForLike.whaleShare).toBeCloseTo(0.3, 1);
  expect(open.ours.whaleShare).toBeLessThan(open.likeForLike.whaleShare);
  expect(open.ours.gini).toBeLessThan(open.likeForLike.gini);
  expect(capped.ours.whaleShare).toBeCloseTo(0.05, 2);
  expect(capped.ours.nc33).toBeGreaterThan(open.ours.nc33);
  expect(open.ours.lorenz.length).toBeLessThanOrEqual(101);
});

test("without a whale and without a floor the market goes by capacity", () => {
  const { ours, likeForLike } = runInteractive({ ...settings, whaleShare: 0, memberFloor: 0 }).markets;
  expect(ours.whaleShare).toBe(0);
  expect(Math.abs(ours.gini - likeForLike.gini)).toBeLessThan(0.06);
});

test.each([
  [2, true],
  [15.5, true],
  [17, false],
])("at an elasticity of %d the price settles: %s", (elasticity, settles) => {
  const { prices } = runInteractive({ ...settings, elasticity });
  const last = prices.slice(-4).map((price) => Math.abs(price - 1));
  expect(Math.max(...last) < 0.02).toBe(settles);
});

test("the same settings give the same trace, another seed another one", () => {
  expect(runInteractive(settings).trace).toBe(runInteractive(settings).trace);
  expect(runInteractive({ ...settings, seed: 2 }).trace).not.toBe(runInteractive(settings).trace);
});

test.each([{ whaleShare: 1 }, { whaleShare: -0.1 }, { memberFloor: 2 }, { tailAlpha: 0 }, { whaleShare: Number.NaN }])(
  "%j is refused by its name",
  (wrong) => {
    expect(() => runInteractive({ ...settings, ...wrong })).toThrow(/The scenario cannot be simulated/);
  },
);
