import { createRandom, normal, pareto } from "@depinfer/economics";
import type { Scenario } from "./scenario.ts";

/**
 * Who is in the market. The true owner of a name is kept apart from the name: the market sees names, the figures are of
 * owners. Owner 0 is the whale where there is one.
 */
export interface Population {
  /** Owners, the whale included. */
  readonly owners: number;
  /** Slots of each owner. */
  readonly capacity: Int32Array;
  /** Owner of each slot. */
  readonly ownerOfSlot: Int32Array;
  /** First slot of each owner, and one more entry: the number of slots. */
  readonly firstSlot: Int32Array;
  /** Owner of each membership: one each, then those that the whale forged. */
  readonly ownerOfMember: Int32Array;
}

export function createPopulation({ providers, capacity, whale }: Scenario, seed: number): Population {
  const random = createRandom(seed, "capacity");
  const slots = new Int32Array(providers);
  let honest = 0;
  for (let owner = whale === null ? 0 : 1; owner < providers; owner++) {
    const drawn = drawCapacity(capacity, random);
    slots[owner] = drawn;
    honest += drawn;
  }
  if (whale !== null) {
    slots[0] = Math.max(1, Math.round((honest * whale.share) / (1 - whale.share)));
  }
  const firstSlot = new Int32Array(providers + 1);
  for (let owner = 0; owner < providers; owner++) {
    firstSlot[owner + 1] = (firstSlot[owner] ?? 0) + (slots[owner] ?? 0);
  }
  const total = firstSlot[providers] ?? 0;
  const ownerOfSlot = new Int32Array(total);
  for (let owner = 0; owner < providers; owner++) {
    ownerOfSlot.fill(owner, firstSlot[owner], firstSlot[owner + 1]);
  }
  const ownerOfMember = new Int32Array(providers + (whale?.forgedMembers ?? 0));
  for (let owner = 0; owner < providers; owner++) {
    ownerOfMember[owner] = owner;
  }
  return { owners: providers, capacity: slots, ownerOfSlot, firstSlot, ownerOfMember };
}

function drawCapacity(capacity: Scenario["capacity"], random: () => number): number {
  switch (capacity.distribution) {
    case "lognormal":
      return Math.max(1, Math.round(capacity.median * Math.exp(capacity.sigma * normal(random))));
    case "pareto":
      return Math.max(1, Math.round(capacity.minimum * pareto(random, capacity.alpha)));
    case "equal":
      return capacity.slots;
  }
}
