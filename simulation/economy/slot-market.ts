import { createRandom, type MemberFloor, routeJob, type SlotMarket } from "@depinfer/economics";
import type { Population } from "./population.ts";
import { floorShare, type Scenario } from "./scenario.ts";

/** What happened in a market. */
export interface MarketResult {
  /** Jobs of each owner once the market was in balance. */
  readonly jobs: Float64Array;
  /** Hash of every decision in order: equal for equal traces. */
  readonly trace: number;
  /** Part of the slots that had more than three jobs at the end. */
  readonly overloaded: number;
}

/** Part of the events before anything is counted. */
export const WARM_UP = 0.25;
const OVERLOAD = 3;
/** The cap looks at shares only once there are enough jobs for shares. */
const LEAST_JOBS_FOR_CAP = 1_000;

/**
 * Depinfer's market, event by event: a job arrives and is routed to a slot, or a random slot ends one. With arrivals at
 * u times the rate of ends, a part u of the slots is busy.
 */
export function runSlotMarket(scenario: Scenario, population: Population, seed: number): MarketResult {
  const { owners, ownerOfSlot, firstSlot, capacity, ownerOfMember } = population;
  const { utilisation, ownerCap, events } = scenario;
  const memberFloor = floorShare(scenario);
  const random = createRandom(seed, "market");
  const slots = ownerOfSlot.length;
  const queues = new Int32Array(slots);
  const jobs = new Float64Array(owners);
  let counted = 0;

  const market: SlotMarket = { slots, load: (slot) => queues[slot] ?? 0 };
  const floor: MemberFloor = {
    share: memberFloor,
    members: ownerOfMember.length,
    idleSlot(member, draw) {
      const owner = ownerOfMember[member] ?? 0;
      const slot = (firstSlot[owner] ?? 0) + Math.floor(draw() * (capacity[owner] ?? 0));
      return queues[slot] === 0 ? slot : undefined;
    },
  };
  const capped =
    ownerCap === null
      ? undefined
      : (slot: number) =>
          ownerOfSlot[slot] === 0 && counted > LEAST_JOBS_FOR_CAP && (jobs[0] ?? 0) > ownerCap * counted;
  const options = { floor: memberFloor > 0 ? floor : undefined, capped };

  const arrival = utilisation / (1 + utilisation);
  const warm = events * WARM_UP;
  let trace = 2_166_136_261;
  for (let event = 0; event < events; event++) {
    if (random() < arrival) {
      const slot = routeJob(market, random, options) ?? 0;
      queues[slot] = (queues[slot] ?? 0) + 1;
      trace = Math.imul(trace ^ slot, 16_777_619) >>> 0;
      if (event > warm) {
        const owner = ownerOfSlot[slot] ?? 0;
        jobs[owner] = (jobs[owner] ?? 0) + 1;
        counted += 1;
      }
    } else {
      const slot = Math.floor(random() * slots);
      const queue = queues[slot] ?? 0;
      if (queue > 0) {
        queues[slot] = queue - 1;
      }
    }
  }
  return { jobs, trace, overloaded: queues.reduce((sum, queue) => sum + (queue > OVERLOAD ? 1 : 0), 0) / slots };
}
