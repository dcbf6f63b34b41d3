import { basePriceFactor, createRandom, normal } from "@depinfer/economics";
import type { EpochScenario } from "../../simulation/economy/epochs/epoch-scenario.ts";
import { createEpochState } from "../../simulation/economy/epochs/epoch-state.ts";

/**
 * The market of `runEpochs` as one writes it down: typed columns, a generator that is called for each agent, normal noise by
 * Box and Muller, and what the full ones leave handed out again until none is left. Its random numbers are others, so that its
 * figures agree in distribution only.
 *
 * @returns a number that depends on all that was computed.
 */
export function runPlainEpochs(scenario: EpochScenario, seed: number): number {
  const { epochs, elasticity, memberFloor, utilisation, depreciation, capacityPrice, reinvest } = scenario;
  const { capacity, work, energy, agents } = createEpochState(scenario, seed, false);
  const random = createRandom(seed, "plain");
  const sum = (column: Float64Array) => column.reduce((all, value) => all + value, 0);
  const demanded = utilisation * sum(capacity);
  let price = 1;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const total = sum(capacity);
    const members = capacity.reduce((count, own) => count + (own > 0 ? 1 : 0), 0);
    const demand = Math.min(total, demanded * price ** -elasticity);
    const floor = members === 0 ? 0 : (memberFloor * demand) / members;
    for (let agent = 0; agent < agents; agent++) {
      work[agent] = Math.min(capacity[agent] ?? 0, floor);
    }
    for (let round = 0; round < 12; round++) {
      const left = demand - sum(work);
      if (left <= 1e-6 * demand) {
        break;
      }
      let idle = 0;
      for (let agent = 0; agent < agents; agent++) {
        idle += (work[agent] ?? 0) < (capacity[agent] ?? 0) ? (capacity[agent] ?? 0) : 0;
      }
      for (let agent = 0; agent < agents; agent++) {
        const own = capacity[agent] ?? 0;
        const done = work[agent] ?? 0;
        work[agent] = done < own ? Math.min(own, done + (left * own) / idle) : done;
      }
    }
    for (let agent = 0; agent < agents; agent++) {
      const own = capacity[agent] ?? 0;
      const offered = work[agent] ?? 0;
      const done = Math.max(0, Math.min(own, offered + scenario.noise * Math.sqrt(offered) * normal(random)));
      const earned = done * (price * (1 - scenario.feeBps / 10_000) - (energy[agent] ?? 0));
      const profit = earned - own * depreciation;
      const grown = own + (profit * (profit > 0 ? reinvest : 1)) / capacityPrice;
      work[agent] = done;
      capacity[agent] = grown < scenario.leastCapacity ? 0 : grown;
    }
    price *= basePriceFactor(total > 0 ? Math.min(1, sum(work) / total) : 0);
  }
  return sum(capacity) + price;
}
