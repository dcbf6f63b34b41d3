import { basePriceFactor, gini, nakamotoCoefficient } from "@depinfer/economics";
import { type EpochTerms, folded, offerBlock, stepBlock } from "./epoch-kernel.ts";
import type { EpochScenario } from "./epoch-scenario.ts";
import { createEpochState, type EpochState, SUMS } from "./epoch-state.ts";

/** What is seen of a market in one epoch; concentration is of the work of agents that are still there. */
export interface EpochSample {
  readonly epoch: number;
  readonly price: number;
  readonly utilisation: number;
  readonly agents: number;
  readonly capacity: number;
  readonly gini: number;
  readonly nc33: number;
  readonly nc50: number;
  readonly whaleShare: number;
}

export interface EpochOutcome {
  readonly samples: readonly EpochSample[];
  /** Base price in each epoch. */
  readonly prices: Float64Array;
  /** Part of all demand that found no capacity. */
  readonly unserved: number;
  /** Of the sums of every block in every epoch. */
  readonly trace: number;
}

/** Of the blocks, those that one thread works on, and how it waits for the others. */
export interface EpochShare {
  readonly first: number;
  readonly last: number;
  /** Returns once all threads have called it. */
  readonly meet: () => void;
}

/** Runs a market over epochs in this thread. Needs no module of Node, so that a browser's worker can. */
export function runEpochs(scenario: EpochScenario, seed: number): EpochOutcome {
  const state = createEpochState(scenario, seed, false);
  return stepEpochs(scenario, state, { first: 0, last: state.blocks, meet: () => undefined });
}

/** How far the work that is handed out may be from the demand, as a part of it, and how often that is tried for. */
const CLOSE = 1e-6;
const ROUNDS = 12;

/**
 * Works on a part of the blocks through all epochs. Each thread computes price and shares by itself from the sums of all
 * blocks in their order, so that they agree without telling each other.
 */
export function stepEpochs(scenario: EpochScenario, state: EpochState, share: EpochShare): EpochOutcome {
  const { epochs, samples: wanted, elasticity, memberFloor, feeBps, reinvest, capacityPrice } = scenario;
  let capacity = 0;
  for (let agent = 0; agent < state.agents; agent++) {
    capacity += state.capacity[agent] ?? 0;
  }
  let alive = state.agents;
  const demanded = scenario.utilisation * capacity;
  const prices = new Float64Array(epochs);
  const samples: EpochSample[] = [];
  const search = createSearch(state, share, memberFloor);
  let price = 1;
  let asked = 0;
  let served = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    prices[epoch] = price;
    const demand = demanded * price ** -elasticity;
    const floor = alive === 0 ? 0 : (memberFloor * Math.min(demand, capacity)) / alive;
    const rate = search(Math.min(demand, capacity), capacity, floor);
    const terms: EpochTerms = {
      floor,
      rate,
      pay: price * (1 - feeBps / 10_000),
      depreciation: scenario.depreciation,
      perProfit: reinvest / capacityPrice,
      perLoss: 1 / capacityPrice,
      noise: scenario.noise,
      leastCapacity: scenario.leastCapacity,
    };
    const before = capacity;
    share.meet();
    for (let block = share.first; block < share.last; block++) {
      stepBlock(state, block, terms);
    }
    share.meet();
    const worked = total(state, 1);
    capacity = total(state, 2);
    alive = total(state, 3);
    asked += demand;
    served += worked;
    const utilisation = before > 0 ? Math.min(1, worked / before) : 0;
    if (Math.floor(((epoch + 1) * wanted) / epochs) > Math.floor((epoch * wanted) / epochs)) {
      // One thread looks; the others wait, since the next epoch writes what it looks at.
      if (share.first === 0) {
        samples.push(look(state, { epoch, price, utilisation, agents: alive, capacity }));
      }
      share.meet();
    }
    price *= basePriceFactor(utilisation);
  }
  return {
    samples,
    prices,
    unserved: asked > 0 ? Math.max(0, 1 - served / asked) : 0,
    trace: state.hashes.reduce((hash, block) => folded(hash, block), 2_166_136_261),
  };
}

/**
 * Finds the part of its capacity that each agent works beside the floor, so that all together work the demand though none
 * works more than it has: what the full ones leave goes round again. The sum is concave and piecewise linear in that part,
 * and changes little between epochs, so that a secant finds it in two or three rounds.
 */
function createSearch(state: EpochState, share: EpochShare, memberFloor: number) {
  let rate = 0;
  let slope = 0;
  let beforeDemand = 0;
  function offered(floor: number): number {
    share.meet();
    for (let block = share.first; block < share.last; block++) {
      offerBlock(state, block, floor, rate);
    }
    share.meet();
    return total(state, 0);
  }
  return (demand: number, capacity: number, floor: number): number => {
    if (demand >= capacity) {
      rate = 1;
      return rate;
    }
    if (floor === 0) {
      rate = demand / capacity;
      return rate;
    }
    slope = slope > 0 ? slope : capacity;
    // The floor takes its part of the change.
    rate = Math.min(1, Math.max(0, rate + ((1 - memberFloor) * (demand - beforeDemand)) / slope));
    beforeDemand = demand;
    let last = offered(floor);
    for (let round = 1; round < ROUNDS && Math.abs(last - demand) > CLOSE * demand; round++) {
      const before = rate;
      rate = Math.min(1, Math.max(0, rate + (demand - last) / slope));
      const next = offered(floor);
      slope = rate === before || next === last ? capacity : (next - last) / (rate - before);
      last = next;
    }
    return rate;
  };
}

function total({ sums, blocks }: EpochState, which: number): number {
  let sum = 0;
  for (let block = 0; block < blocks; block++) {
    sum += sums[SUMS * block + which] ?? 0;
  }
  return sum;
}

function look(
  { work, capacity }: EpochState,
  now: Pick<EpochSample, "epoch" | "price" | "utilisation" | "agents" | "capacity">,
): EpochSample {
  const there = work.filter((_done, agent) => (capacity[agent] ?? 0) > 0);
  const all = there.reduce((sum, done) => sum + done, 0);
  return {
    ...now,
    gini: gini(there) ?? 0,
    nc33: nakamotoCoefficient(there, 1 / 3) ?? 0,
    nc50: nakamotoCoefficient(there, 0.5) ?? 0,
    whaleShare: all > 0 && (capacity[0] ?? 0) > 0 ? (work[0] ?? 0) / all : 0,
  };
}
