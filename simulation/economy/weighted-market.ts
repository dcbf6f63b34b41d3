import { createRandom, pareto } from "@depinfer/economics";
import type { Population } from "./population.ts";
import type { Scenario } from "./scenario.ts";
import type { MarketResult } from "./slot-market.ts";

/** Markets that route by weight alone: each job to an owner with probability in proportion to what it has. */
export function runWeightedMarket(scenario: Scenario, population: Population, seed: number): MarketResult {
  const weights = scenario.market === "stake" ? stakesOf(scenario, seed) : Float64Array.from(population.capacity);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const random = createRandom(seed, "market");
  const upTo = new Float64Array(weights.length);
  let sum = 0;
  for (let owner = 0; owner < weights.length; owner++) {
    sum += weights[owner] ?? 0;
    upTo[owner] = sum;
  }
  const jobs = new Float64Array(weights.length);
  let trace = 2_166_136_261;
  const arrivals = Math.round((scenario.events * scenario.utilisation) / (1 + scenario.utilisation));
  for (let job = 0; job < arrivals; job++) {
    const owner = ownerAt(upTo, random() * total);
    jobs[owner] = (jobs[owner] ?? 0) + 1;
    trace = Math.imul(trace ^ owner, 16_777_619) >>> 0;
  }
  return { jobs, trace, overloaded: 0 };
}

type Compounding = NonNullable<Scenario["compounding"]>;

function stakesOf(scenario: Scenario, seed: number): Float64Array {
  const stakes = drawStakes(scenario, seed);
  return scenario.compounding === null ? stakes : compounded(stakes, scenario.compounding);
}

/** Pareto stakes, with the whale's share of the sum. */
function drawStakes({ providers, stakeTail, whale }: Scenario, seed: number): Float64Array {
  const random = createRandom(seed, "stake");
  const stakes = new Float64Array(providers);
  let honest = 0;
  for (let owner = whale === null ? 0 : 1; owner < providers; owner++) {
    const stake = pareto(random, stakeTail);
    stakes[owner] = stake;
    honest += stake;
  }
  if (whale !== null) {
    stakes[0] = (honest * whale.share) / (1 - whale.share);
  }
  return stakes;
}

const DAYS = 365;

/**
 * Stakes after years of daily inflation that is staked again, less what each owner pays to run: s ← s(1 + i/365) − c/365. Who
 * has nothing left has left. The smallest stake is 1.
 */
export function compounded(stakes: Float64Array, { years, inflation, runningCost }: Compounding): Float64Array {
  const after = stakes.slice();
  for (let day = 0; day < Math.round(years * DAYS); day++) {
    for (let owner = 0; owner < after.length; owner++) {
      const stake = after[owner] ?? 0;
      after[owner] = stake === 0 ? 0 : Math.max(0, stake * (1 + inflation / DAYS) - runningCost / DAYS);
    }
  }
  return after;
}

/** The first owner whose cumulative weight is above `at`. */
function ownerAt(upTo: Float64Array, at: number): number {
  let [low, high] = [0, upTo.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((upTo[middle] ?? 0) <= at) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
