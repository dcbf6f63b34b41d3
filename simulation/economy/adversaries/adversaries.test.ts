import fc from "fast-check";
import { expect, test } from "vitest";
import { simulate, simulateJobs } from "../outcome.ts";
import { createPopulation } from "../population.ts";
import { floorShare, parseScenario, type ScenarioInput } from "../scenario.ts";
import { runSlotMarket } from "../slot-market.ts";
import { washNet } from "./adversaries.ts";
import { runAdversaryMarket } from "./adversary-market.ts";

const base: ScenarioInput = {
  name: "test",
  market: "slots",
  providers: 500,
  whale: { share: 0.3 },
  events: 600_000,
};
const scenarioOf = (changes: Partial<ScenarioInput> = {}) => parseScenario({ ...base, ...changes });
/** Four standard errors of the difference between two shares of about 170,000 jobs each. */
const ERROR = 4 * Math.SQRT2 * Math.sqrt(0.25 / 170_000);

test("an adversary that does nothing leaves the market as it was, bit for bit", () => {
  const scenario = scenarioOf();
  const population = createPopulation(scenario, 4);
  const [plain, idle] = [runSlotMarket(scenario, population, 4), runAdversaryMarket(scenario, population, 4, {})];
  expect(idle.trace).toBe(plain.trace);
  expect(idle.jobs).toEqual(plain.jobs);
});

test("wash trading: never a net gain, whatever the fee and whatever one would like to be given", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 10_000 }), (feeBps, emissionBps) => {
      const net = washNet({ feeBps, emissionBps });
      expect(net).toBeLessThanOrEqual(0);
      expect(net).toBeCloseTo(-Math.max(0, feeBps - emissionBps) / 10_000, 6);
    }),
  );
});

test("wash trading raises what one seems to have, and lowers what others buy", () => {
  const { attack } = simulate(scenarioOf({ adversary: { kind: "wash", ownWork: 0.1 } }), 2);
  const honest = simulate(scenarioOf(), 2).whaleShare ?? 0;
  expect(attack.washRawShare).toBeGreaterThan(honest + ERROR);
  expect(attack.washSettledShare).toBeLessThan(honest - ERROR);
});

const dumper = { kind: "dumper", price: 0.5, cost: 0.7, capitalPerSlot: 1e6 } as const;

test("dumping: cheaper wins ties only, so that a dumper gets at most (1 − φ)(2Z − Z²) of the jobs and what a member is drawn", () => {
  const share = (adversary: ScenarioInput["adversary"], memberFloor: number) =>
    simulate(scenarioOf({ adversary, memberFloor }), 3).whaleShare ?? 0;
  for (const floor of [0, 0.3]) {
    const dumped = share(dumper, floor);
    expect(dumped).toBeGreaterThan(share(null, floor) + ERROR / 2);
    expect(dumped).toBeLessThan((1 - floor) * (2 * 0.3 - 0.3 ** 2) + (3 * floor) / 500 + ERROR);
  }
  // Where price is a filter and nothing else, it moves nobody.
  expect(share({ ...dumper, tieBreak: false }, 0.3)).toBe(share(null, 0.3));
});

test("a dumper lasts as long as its capital, and leaves the others as they were to each other", () => {
  const adversary = { ...dumper, capitalPerSlot: 3 };
  const { attack } = simulate(scenarioOf({ adversary }), 5);
  const scenario = scenarioOf({ adversary });
  const { jobs } = simulateJobs(scenario, 5);
  const own = createPopulation(scenario, 5).capacity[0] ?? 0;
  expect(attack.dumperLossPerJob).toBeCloseTo(0.7 - 0.5 * 0.95, 9);
  expect(jobs[0]).toBe(Math.ceil((3 * own) / (attack.dumperLossPerJob ?? 1)));
  expect(attack.dumperLasted).toBeGreaterThan(0);
  expect(attack.giniAfterDumper).toBeLessThan(simulate(scenarioOf(), 5).gini);
});

test.each([1, 20, 500])("churning under %i names earns less per hour than staying", (names) => {
  const { attack } = simulate(scenarioOf({ adversary: { kind: "churner", stays: 20, away: 5, names } }), 6);
  expect(attack.churnerPerHour).toBeLessThan(1);
  expect(attack.churnerRevenue).toBeLessThan((attack.churnerPresent ?? 0) + 0.01);
});

test("the floor's rule makes it as small as a forged membership is cheap", () => {
  const floorRule = { forgeryCost: 50, margin: 0.3, demand: 1e6 };
  expect(floorShare(scenarioOf({ floorRule }))).toBeCloseTo((50 * 500) / (0.3 * 1e6), 12);
  expect(floorShare(scenarioOf({ floorRule: { ...floorRule, forgeryCost: 1e6 } }))).toBe(0.3);
  // T2 in money: with φ from the rule, K forged memberships earn no more than they cost.
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.double({ min: 0, max: 1e5, noNaN: true }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (forged, forgeryCost, margin) => {
        const phi = floorShare(scenarioOf({ floorRule: { forgeryCost, margin, demand: 1e6 } }));
        const gain = (forged * phi * margin * 1e6) / (500 + forged);
        expect(gain).toBeLessThanOrEqual(forged * forgeryCost * (1 + 1e-9));
      },
    ),
  );
});

test.each([
  [{ whale: null, adversary: dumper }, "the adversary is the whale"],
  [{ market: "capacity", adversary: dumper }, "no adversary is known"],
  [{ adversary: { ...dumper, price: 0.9 } }, "no dumping"],
  [{ adversary: { kind: "wash", ownWork: 0.5 } }, "has not the slots"],
  [{ adversary: { kind: "churner", stays: 0, away: 1, names: 1 } }, "adversary.stays"],
  [{ adversary: { kind: "thief" } }, "adversary.kind"],
  [{ adversary: { kind: "wash", ownWork: 0.1, gain: 1 } }, "gain"],
  [{ whale: { share: 0.3, detected: true }, ownerCap: 0.05, adversary: dumper }, "not simulated together"],
  [{ compounding: { years: 5, inflation: 0.1, runningCost: 0 } }, "nothing compounds"],
  [{ market: "stake", floorRule: { forgeryCost: 1, margin: 1, demand: 1 } }, "has no members"],
])("%j is refused by its name", (wrong, said) => {
  expect(() => parseScenario({ ...base, ...wrong })).toThrow(said);
});
