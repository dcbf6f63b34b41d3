import { gini, nakamotoCoefficient, topShare } from "@depinfer/economics";
import { type Attack, runAttack } from "./adversaries/adversaries.ts";
import { createPopulation, type Population } from "./population.ts";
import type { Scenario } from "./scenario.ts";
import { runSlotMarket } from "./slot-market.ts";
import { runWeightedMarket } from "./weighted-market.ts";

/** Figures of one run, over true owners. */
export interface Outcome {
  readonly seed: number;
  readonly trace: number;
  readonly gini: number;
  readonly nc50: number;
  readonly nc33: number;
  /** Of all jobs; null without a whale. */
  readonly whaleShare: number | null;
  readonly top1: number;
  readonly giniOfCapacity: number;
  readonly overloaded: number;
  /** What an adversary has of it, by name; empty without one. */
  readonly attack: Readonly<Record<string, number>>;
}

/** Runs a scenario once. The same scenario and seed give the same outcome, on any machine. */
export function simulate(scenario: Scenario, seed: number): Outcome {
  return simulateJobs(scenario, seed).outcome;
}

/** The same, with the jobs of each owner. */
export function simulateJobs(
  scenario: Scenario,
  seed: number,
): { readonly outcome: Outcome; readonly jobs: Float64Array } {
  const population = createPopulation(scenario, seed);
  const { jobs, trace, overloaded, figures } = run(scenario, population, seed);
  const total = jobs.reduce((sum, count) => sum + count, 0);
  const outcome: Outcome = {
    seed,
    trace,
    gini: gini(jobs) ?? 0,
    nc50: nakamotoCoefficient(jobs, 0.5) ?? 0,
    nc33: nakamotoCoefficient(jobs, 1 / 3) ?? 0,
    whaleShare: scenario.whale === null ? null : (jobs[0] ?? 0) / total,
    top1: topShare(jobs, 1) ?? 0,
    giniOfCapacity: gini(Float64Array.from(population.capacity)) ?? 0,
    overloaded,
    attack: figures,
  };
  return { outcome, jobs };
}

function run(scenario: Scenario, population: Population, seed: number): Attack {
  if (scenario.market !== "slots") {
    return { ...runWeightedMarket(scenario, population, seed), figures: {} };
  }
  return scenario.adversary === null
    ? { ...runSlotMarket(scenario, population, seed), figures: {} }
    : runAttack(scenario, scenario.adversary, population, seed);
}
