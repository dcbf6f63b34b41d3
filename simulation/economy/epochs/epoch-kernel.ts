import { BLOCK, type EpochState, SUMS } from "./epoch-state.ts";

/*
 * The two loops in which all time goes. They know columns and numbers only, so that the compiler keeps everything in
 * registers: no closures, no objects, one shape of array each.
 */

/**
 * What a block's agents would work in all, were each to get `floor` and `rate` of its capacity, and none more than it has:
 * Σ min(c, floor + rate · c). Written to the block's first sum.
 */
export function offerBlock({ capacity, sums, agents }: EpochState, block: number, floor: number, rate: number): void {
  const end = Math.min(agents, (block + 1) * BLOCK);
  let sum = 0;
  for (let agent = block * BLOCK; agent < end; agent++) {
    const own = capacity[agent] ?? 0;
    const want = floor + rate * own;
    sum += own + want - Math.abs(own - want);
  }
  sums[SUMS * block] = sum / 2;
}

/** What is the same for all agents in an epoch. */
export interface EpochTerms {
  readonly floor: number;
  readonly rate: number;
  /** What a unit of work earns after the fee, before energy. */
  readonly pay: number;
  readonly depreciation: number;
  /** Capacity that one unit of profit buys. */
  readonly perProfit: number;
  /** Capacity that is sold for one unit of loss. */
  readonly perLoss: number;
  readonly noise: number;
  readonly leastCapacity: number;
}

/** The sum of two uniform 16-bit numbers to a number with mean 0 and variance 1. */
const SPREAD = Math.sqrt(6) / 65_536;
const MIDDLE = Math.sqrt(6) * (65_535 / 65_536);

/** Lets a block's agents work, earn, and buy or sell capacity. Writes the block's sums of work, capacity and agents. */
export function stepBlock(state: EpochState, block: number, terms: EpochTerms): void {
  const { capacity, work, energy, random, sums, hashes, agents } = state;
  const { floor, rate, pay, depreciation, perProfit, perLoss, noise, leastCapacity } = terms;
  const end = Math.min(agents, (block + 1) * BLOCK);
  const spread = noise * SPREAD;
  const even = 0.5 * (perProfit + perLoss);
  const odd = 0.5 * (perProfit - perLoss);
  const middle = noise * MIDDLE;
  let a = (random[4 * block] ?? 0) | 0;
  let b = (random[4 * block + 1] ?? 0) | 0;
  let c = (random[4 * block + 2] ?? 0) | 0;
  let d = (random[4 * block + 3] ?? 0) | 0;
  let worked = 0;
  let capacities = 0;
  let alive = 0;
  for (let agent = block * BLOCK; agent < end; agent++) {
    const own = capacity[agent] ?? 0;
    const draw = (a + d) | 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    const luck = spread * ((draw & 0xffff) + (draw >>> 16)) - middle;
    const want = floor + rate * own;
    const offered = 0.5 * (own + want - Math.abs(own - want));
    const drawn = Math.abs(offered + Math.sqrt(offered) * luck);
    const done = 0.5 * (own + drawn - Math.abs(own - drawn));
    const profit = done * (pay - (energy[agent] ?? 0)) - own * depreciation;
    const grown = own + even * profit + odd * Math.abs(profit);
    const left = grown < leastCapacity ? 0 : grown;
    capacity[agent] = left;
    work[agent] = done;
    worked += done;
    capacities += left;
    alive += left > 0 ? 1 : 0;
  }
  random[4 * block] = a;
  random[4 * block + 1] = b;
  random[4 * block + 2] = c;
  random[4 * block + 3] = d;
  sums[SUMS * block + 1] = worked;
  sums[SUMS * block + 2] = capacities;
  sums[SUMS * block + 3] = alive;
  hashes[block] = folded(folded(hashes[block] ?? 0, worked), capacities);
}

const number = new Float64Array(1);
const words = new Uint32Array(number.buffer);

/** A hash with every bit of a number in it. */
export function folded(hash: number, value: number): number {
  number[0] = value;
  const low = Math.imul(hash ^ (words[0] ?? 0), 16_777_619);
  return Math.imul(low ^ (low >>> 15) ^ (words[1] ?? 0), 16_777_619) >>> 0;
}
