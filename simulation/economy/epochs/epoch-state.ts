import { createRandom, normal, pareto } from "@depinfer/economics";
import type { EpochScenario } from "./epoch-scenario.ts";

/**
 * All agents of a market over epochs, as columns. Agents are worked on in blocks of a fixed size, each with its own
 * random numbers and its own sums, so that nothing depends on how many threads share the blocks.
 */
export interface EpochState {
  readonly agents: number;
  readonly blocks: number;
  /** Units of work per epoch; 0 for who has left. */
  readonly capacity: Float64Array;
  /** Work of the last epoch. */
  readonly work: Float64Array;
  /** Cost of energy per unit of work. */
  readonly energy: Float32Array;
  /** Four words of xoshiro128+ per block. */
  readonly random: Uint32Array;
  /** Sums of each block, `SUMS` of them. */
  readonly sums: Float64Array;
  /** Hash of each block's sums through all epochs. */
  readonly hashes: Uint32Array;
}

export const BLOCK = 16_384;
/** Per block: its part of a search for the share by capacity, work, capacity, agents. */
export const SUMS = 4;

/** @param shared whether other threads are to see the columns. */
export function createEpochState(scenario: EpochScenario, seed: number, shared: boolean): EpochState {
  const { agents, energy: mean, energySpread, whaleShare } = scenario;
  const state = allocate(agents, shared);
  const { capacity, energy, random, blocks } = state;
  const draw = createRandom(seed, "capacity");
  let others = 0;
  for (let agent = whaleShare > 0 ? 1 : 0; agent < agents; agent++) {
    const drawn = drawCapacity(scenario.capacity, draw);
    capacity[agent] = drawn;
    others += drawn;
  }
  if (whaleShare > 0) {
    capacity[0] = (others * whaleShare) / (1 - whaleShare);
  }
  const cost = createRandom(seed, "energy");
  for (let agent = 0; agent < agents; agent++) {
    energy[agent] = mean * (1 + energySpread * (2 * cost() - 1));
  }
  for (let block = 0; block < blocks; block++) {
    const word = createRandom(seed, `work ${block}`);
    for (let at = 0; at < 4; at++) {
      random[4 * block + at] = Math.floor(word() * 4_294_967_296);
    }
  }
  return state;
}

/** Columns over memory that another thread made. */
export function allocate(agents: number, shared: boolean): EpochState {
  const blocks = Math.ceil(agents / BLOCK);
  const memory = (bytes: number) => (shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  return {
    agents,
    blocks,
    capacity: new Float64Array(memory(8 * agents)),
    work: new Float64Array(memory(8 * agents)),
    energy: new Float32Array(memory(4 * agents)),
    random: new Uint32Array(memory(16 * blocks)),
    sums: new Float64Array(memory(8 * SUMS * blocks)),
    hashes: new Uint32Array(memory(4 * blocks)),
  };
}

function drawCapacity(capacity: EpochScenario["capacity"], random: () => number): number {
  switch (capacity.distribution) {
    case "lognormal":
      return capacity.median * Math.exp(capacity.sigma * normal(random));
    case "pareto":
      return capacity.minimum * pareto(random, capacity.alpha);
    case "equal":
      return capacity.slots;
  }
}
