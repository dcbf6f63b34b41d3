import { expect, test } from "vitest";
import { runEpochs, stepEpochs } from "./epoch-market.ts";
import { type EpochScenarioInput, parseEpochScenario } from "./epoch-scenario.ts";
import { createEpochState } from "./epoch-state.ts";
import { runEpochsOnThreads } from "./epoch-threads.ts";

const scenarioOf = (changes: Partial<EpochScenarioInput> = {}) =>
  parseEpochScenario({ name: "test", market: "epochs", agents: 2_000, epochs: 200, whaleShare: 0.3, ...changes });
const lastOf = (changes: Partial<EpochScenarioInput>, seed = 1) => runEpochs(scenarioOf(changes), seed).samples.at(-1);

test("one thread, two and three give the same market to the bit", async () => {
  const scenario = scenarioOf({ agents: 100_000, epochs: 30, samples: 3 });
  const alone = runEpochs(scenario, 7);
  for (const threads of [2, 3]) {
    expect(await runEpochsOnThreads(scenario, 7, threads)).toEqual(alone);
  }
  expect(runEpochs(scenario, 8).trace).not.toBe(alone.trace);
});

test("what is demanded is worked, and nobody works more than it has", () => {
  const scenario = scenarioOf({
    leastCapacity: 0,
    noise: 0,
    epochs: 1,
    samples: 1,
    depreciation: 0,
    reinvest: 0,
    energy: 0,
  });
  const state = createEpochState(scenario, 3, false);
  const capacity = state.capacity.reduce((sum, own) => sum + own, 0);
  const { unserved, samples } = stepEpochs(scenario, state, { first: 0, last: state.blocks, meet: () => undefined });
  const worked = state.work.reduce((sum, done) => sum + done, 0);
  expect(Math.abs(worked / (0.6 * capacity) - 1)).toBeLessThan(2e-6);
  expect(unserved).toBeLessThan(2e-6);
  expect(state.work.every((done, agent) => done <= (state.capacity[agent] ?? 0) * (1 + 1e-12))).toBe(true);
  expect(samples[0]?.utilisation).toBeCloseTo(0.6, 5);
});

test("a floor lets the small ones grow; by capacity alone everybody grows alike", () => {
  const floor = lastOf({ memberFloor: 0.3 });
  const capacity = lastOf({ memberFloor: 0 });
  expect(floor?.whaleShare ?? 1).toBeLessThan(0.24);
  expect(capacity?.whaleShare ?? 0).toBeGreaterThan(0.29);
  expect(floor?.gini ?? 1).toBeLessThan((capacity?.gini ?? 0) - 0.1);
});

test("without noise and spread a market by capacity keeps every share for ever", () => {
  const { samples } = runEpochs(scenarioOf({ memberFloor: 0, noise: 0, energySpread: 0, leastCapacity: 0 }), 2);
  for (const { whaleShare, gini } of samples) {
    expect(whaleShare).toBeCloseTo(0.3, 9);
    expect(gini).toBeCloseTo(samples[0]?.gini ?? -1, 9);
  }
});

test("the price settles where those who are left neither grow nor shrink, at the target's utilisation", () => {
  const { samples, prices } = runEpochs(
    scenarioOf({ memberFloor: 0, noise: 0, energySpread: 0, whaleShare: 0, epochs: 20_000, reinvest: 1 }),
    1,
  );
  // p (1 − fee) − energy = depreciation / u*
  expect(prices.at(-1)).toBeCloseTo((0.35 / 0.6 + 0.3) / 0.95, 3);
  expect(samples.at(-1)?.utilisation).toBeCloseTo(0.6, 4);
});

test("capacity that earns nothing shrinks until it has left", () => {
  const { samples } = runEpochs(scenarioOf({ depreciation: 10, capacityPrice: 20, epochs: 300, elasticity: 0 }), 1);
  const agents = samples.map((sample) => sample.agents);
  expect(agents.at(-1)).toBeLessThan(2_000);
  expect([...agents].sort((a, b) => b - a)).toEqual(agents);
});

test("when all have left there is a market of nobody, and no figure that is not a number", () => {
  const { samples, prices } = runEpochs(
    scenarioOf({ energy: 10, depreciation: 10, capacityPrice: 1, elasticity: 2 }),
    1,
  );
  expect(samples.at(-1)).toMatchObject({ agents: 0, capacity: 0, gini: 0, whaleShare: 0 });
  expect(prices.every(Number.isFinite)).toBe(true);
});

test.each([
  [{ agents: 0 }, "agents"],
  [{ samples: 300 }, "there are 200 epochs to look at"],
  [{ agents: 1 }, "one agent alone"],
  [{ whales: 1 }, "whales"],
  [{ noise: Number.NaN }, "noise"],
  [{ elasticity: -1 }, "elasticity"],
])("%j is refused by its name", (wrong, said) => {
  expect(() => parseEpochScenario({ ...scenarioOf(), ...wrong })).toThrow(said);
});
