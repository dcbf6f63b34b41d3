import { gini } from "@depinfer/economics";
import { describe, expect, test } from "vitest";
import { simulate } from "./outcome.ts";
import { createPopulation, type Population } from "./population.ts";
import { parseScenario, type ScenarioInput } from "./scenario.ts";
import { runSlotMarket } from "./slot-market.ts";

/* What the design claims of routing and pay, each as something that a run could contradict. */

const base: ScenarioInput = { name: "test", market: "slots", providers: 500, events: 600_000 };
const scenarioOf = (changes: Partial<ScenarioInput>) => parseScenario({ ...base, ...changes });

/** Standard error of a share of `jobs` jobs, taken as independent draws. */
const errorOf = (share: number, jobs: number) => Math.sqrt((share * (1 - share)) / jobs);
const JOBS = 600_000 * 0.75 * (0.6 / 1.6);

describe("T1: the trace knows slots, not names", () => {
  /** The same slots under other names: owner 0's are given to many new owners. */
  function split(population: Population, parts: number): Population {
    const mine = population.capacity[0] ?? 0;
    const cuts = Array.from({ length: parts + 1 }, (_, part) => Math.floor((mine * part) / parts));
    const capacity = Int32Array.from([
      ...cuts.slice(1).map((cut, part) => cut - (cuts[part] ?? 0)),
      ...population.capacity.subarray(1),
    ]);
    const firstSlot = Int32Array.from([0, ...capacity]);
    for (let owner = 1; owner < firstSlot.length; owner++) {
      firstSlot[owner] = (firstSlot[owner] ?? 0) + (firstSlot[owner - 1] ?? 0);
    }
    const ownerOfSlot = new Int32Array(population.ownerOfSlot.length);
    for (let owner = 0; owner < capacity.length; owner++) {
      ownerOfSlot.fill(owner, firstSlot[owner], firstSlot[owner + 1]);
    }
    return { owners: capacity.length, capacity, ownerOfSlot, firstSlot, ownerOfMember: new Int32Array(0) };
  }

  test.each([2, 10, 250])("a whale under %i names leaves the trace bit for bit as it was", (parts) => {
    const scenario = scenarioOf({ whale: { share: 0.3 }, memberFloor: 0 });
    const whole = createPopulation(scenario, 7);
    const [one, many] = [runSlotMarket(scenario, whole, 7), runSlotMarket(scenario, split(whole, parts), 7)];
    expect(many.trace).toBe(one.trace);
    const together = many.jobs.subarray(0, parts).reduce((sum, jobs) => sum + jobs, 0);
    expect(together).toBe(one.jobs[0]);
  });

  test("another seed has another trace", () => {
    const scenario = scenarioOf({});
    expect(simulate(scenario, 1).trace).toBe(simulate(scenario, 1).trace);
    expect(simulate(scenario, 2).trace).not.toBe(simulate(scenario, 1).trace);
  });
});

describe("T2: K forged memberships gain at most KφD/(P + K)", () => {
  test.each([10, 50, 200])("K = %i", (forgedMembers) => {
    const of = (forged: number) =>
      simulate(scenarioOf({ whale: { share: 0.3, forgedMembers: forged } }), 3).whaleShare ?? 0;
    const gain = of(forgedMembers) - of(0);
    const bound = (forgedMembers * 0.3) / (500 + forgedMembers);
    expect(gain).toBeLessThanOrEqual(bound + 4 * Math.SQRT2 * errorOf(0.3, JOBS));
  });
});

test("T3: merging never gains: a merged owner has one membership where it had many", () => {
  const scenario = scenarioOf({ capacity: { distribution: "equal", slots: 4 }, whale: null });
  const apart = runSlotMarket(scenario, createPopulation(scenario, 5), 5);
  const total = apart.jobs.reduce((sum, jobs) => sum + jobs, 0);
  const ten = apart.jobs.subarray(0, 10).reduce((sum, jobs) => sum + jobs, 0) / total;
  const merged = simulate(
    scenarioOf({ providers: 491, capacity: { distribution: "equal", slots: 4 }, whale: { share: 10 / 500 } }),
    5,
  );
  expect(merged.whaleShare ?? 1).toBeLessThanOrEqual(ten + 4 * Math.SQRT2 * errorOf(0.02, JOBS));
});

test("T4: where no member is full, Gini of revenue is (1 − φ) times that of capacity", () => {
  // Big providers and little load, so that a member nearly always has an idle slot.
  const scenario = scenarioOf({
    providers: 200,
    capacity: { distribution: "lognormal", sigma: 1, median: 40 },
    utilisation: 0.02,
    events: 8_000_000,
  });
  const population = createPopulation(scenario, 11);
  const { jobs } = runSlotMarket(scenario, population, 11);
  const capacity = gini(Float64Array.from(population.capacity)) ?? 0;
  expect(Math.abs((gini(jobs) ?? 0) - 0.7 * capacity)).toBeLessThan(0.01);
});

describe("T5: a cap per detected owner", () => {
  const whale = { share: 0.3, detected: true } as const;

  test("holds, while others can take the work", () => {
    const { whaleShare, overloaded } = simulate(scenarioOf({ whale, ownerCap: 0.05 }), 2);
    expect(whaleShare ?? 1).toBeLessThan(0.05 + 0.005);
    expect(overloaded).toBeLessThan(0.05);
  });

  test("never rejects a job: where others are too few the whale gets at least what they cannot serve", () => {
    const share = 0.6;
    const utilisation = 0.8;
    const { whaleShare } = simulate(
      scenarioOf({ whale: { share, detected: true }, ownerCap: 0.05, utilisation, events: 2_000_000 }),
      2,
    );
    // 1 − (1 − Z)/u of the jobs find no idle slot but the whale's; some wait in the others' queues instead.
    expect(whaleShare ?? 0).toBeGreaterThan(0.4);
    expect(whaleShare ?? 1).toBeLessThan(1 - (1 - share) / utilisation + 0.01);
  });
});

describe("scenarios that cannot be", () => {
  test.each([
    [{ ...base, whales: 1 }, "whales"],
    [{ ...base, utilisation: 1.5 }, "utilisation"],
    [{ ...base, providers: 0 }, "providers"],
    [{ ...base, ownerCap: 0.05 }, "a cap needs a whale that is detected"],
    [{ ...base, market: "stake", whale: { share: 0.3, forgedMembers: 5 } }, "neither members nor caps"],
    [{ ...base, memberFloor: 0, whale: { share: 0.3, forgedMembers: 5 } }, "worth nothing without a floor"],
    [{ ...base, whale: { share: Number.NaN } }, "whale.share"],
    [null, "it:"],
  ])("%j", (value, said) => {
    expect(() => parseScenario(value)).toThrow(said);
  });
});
