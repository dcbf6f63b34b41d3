import { createRandom } from "@depinfer/economics";

/*
 * Models whose answers are known on paper. The simulator has to give them before anything else that it says is believed.
 */

/**
 * Pólya's urn: each reward r goes to a holder with probability of its share and is kept. The share's variance tends to
 * x₀(1 − x₀) / (S₀/r + 1).
 *
 * @returns the final share of the holder that began with x₀.
 */
export function polyaUrn(share: number, stake: number, reward: number, steps: number, seed: number): number {
  const random = createRandom(seed, "polya");
  let mine = share * stake;
  let all = stake;
  for (let step = 0; step < steps; step++) {
    if (random() * all < mine) {
      mine += reward;
    }
    all += reward;
  }
  return mine / all;
}

/**
 * The same with rewards that follow a schedule, as in Fanti et al. 2019, "Compounding of wealth in proof-of-stake
 * cryptocurrencies": R in all over T steps, the same each step or growing geometrically with the stake.
 */
export function compounding(
  share: number,
  stake: number,
  { rewards, steps, schedule }: { rewards: number; steps: number; schedule: "constant" | "geometric" },
  seed: number,
): number {
  const random = createRandom(seed, "compounding");
  const growth = (1 + rewards / stake) ** (1 / steps);
  let mine = share * stake;
  let all = stake;
  for (let step = 0; step < steps; step++) {
    const reward = schedule === "constant" ? rewards / steps : all * (growth - 1);
    if (random() * all < mine) {
      mine += reward;
    }
    all += reward;
  }
  return mine / all;
}

/**
 * The supermarket model (Mitzenmacher 2001): jobs arrive at n servers at λ each and take the shortest of d queues. In the
 * limit the part of the servers with at least i jobs is λ^((dⁱ − 1)/(d − 1)).
 *
 * @returns that part for i = 1, 2, …
 */
export function supermarket(servers: number, load: number, choices: number, events: number, seed: number): number[] {
  const random = createRandom(seed, "supermarket");
  const queues = new Int32Array(servers);
  const arrival = load / (1 + load);
  const at: number[] = [];
  let samples = 0;
  for (let event = 0; event < events; event++) {
    if (random() < arrival) {
      let best = Math.floor(random() * servers);
      for (let choice = 1; choice < choices; choice++) {
        const other = Math.floor(random() * servers);
        if ((queues[other] ?? 0) < (queues[best] ?? 0)) {
          best = other;
        }
      }
      queues[best] = (queues[best] ?? 0) + 1;
    } else {
      const server = Math.floor(random() * servers);
      queues[server] = Math.max(0, (queues[server] ?? 0) - 1);
    }
    if (event > events / 2 && event % servers === 0) {
      samples += 1;
      for (let i = 1; i <= 8; i++) {
        at[i - 1] = (at[i - 1] ?? 0) + queues.reduce((sum, queue) => sum + (queue >= i ? 1 : 0), 0) / servers;
      }
    }
  }
  return at.map((sum) => sum / samples);
}

/** n balls into n bins, each into the emptiest of d: the most that a bin gets, ln ln n / ln d + O(1) for d ≥ 2. */
export function largestBin(bins: number, choices: number, seed: number): number {
  const random = createRandom(seed, "bins");
  const loads = new Int32Array(bins);
  let largest = 0;
  for (let ball = 0; ball < bins; ball++) {
    let best = Math.floor(random() * bins);
    for (let choice = 1; choice < choices; choice++) {
      const other = Math.floor(random() * bins);
      if ((loads[other] ?? 0) < (loads[best] ?? 0)) {
        best = other;
      }
    }
    loads[best] = (loads[best] ?? 0) + 1;
    largest = Math.max(largest, loads[best] ?? 0);
  }
  return largest;
}

/**
 * Cardano's reward of a pool with stake σ and pledge s, as a part of what a saturated pool with full pledge gets:
 * (σ′ + s′ a₀ (σ′ − s′ (z₀ − σ′)/z₀)/z₀) / (1 + a₀), with z₀ = 1/k and both cut at z₀ (Brünjes et al. 2020).
 */
export function cardanoReward(stake: number, pledge: number, pools: number, influence: number): number {
  const z0 = 1 / pools;
  const sigma = Math.min(stake, z0);
  const s = Math.min(pledge, z0);
  const reward = (sigma + s * influence * ((sigma - (s * (z0 - sigma)) / z0) / z0)) / (1 + influence);
  return reward / z0;
}

/** Sums of random exchanges: each step two share what they have at random. Gini tends to 0.5 (Drăgulescu and Yakovenko 2000). */
export function randomExchange(entities: number, steps: number, seed: number): Float64Array {
  const random = createRandom(seed, "exchange");
  const amounts = new Float64Array(entities).fill(1);
  for (let step = 0; step < steps; step++) {
    const one = Math.floor(random() * entities);
    const two = Math.floor(random() * entities);
    if (one !== two) {
      const both = (amounts[one] ?? 0) + (amounts[two] ?? 0);
      const part = random();
      amounts[one] = both * part;
      amounts[two] = both * (1 - part);
    }
  }
  return amounts;
}
