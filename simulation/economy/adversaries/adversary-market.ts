import { createRandom, routeJob } from "@depinfer/economics";
import type { Population } from "../population.ts";
import { floorShare, type Scenario } from "../scenario.ts";
import { type MarketResult, WARM_UP } from "../slot-market.ts";
import { createPresence, type Presence } from "./presence.ts";

/** What owner 0 does in the market, told of each event. */
export interface Conduct {
  /** Of all jobs, those that owner 0 buys from itself. */
  readonly ownWork?: number;
  /** See `createPresence`. */
  readonly handicap?: number;
  /** Called before each event from the end of the warm-up; `durations` is the time since then in mean durations of a job. */
  readonly before?: (durations: number, presence: Presence) => "left" | undefined;
  /** A job went to owner 0, bought by somebody else. */
  readonly routed?: () => void;
  /** A job of owner 0 ended. */
  readonly ended?: () => void;
}

export interface AdversaryResult extends MarketResult {
  /** Jobs that owner 0 bought from itself. */
  readonly ownJobs: number;
  /** Jobs that ended at each owner. */
  readonly ended: Float64Array;
  /** Jobs of each owner until owner 0 left for the first time; null while it has not. */
  readonly untilLeft: Float64Array | null;
  readonly slots: number;
}

/** How many of its own slots it looks at for an idle one. */
const OWN_TRIED = 16;
const OVERLOAD = 3;

/** The market of `runSlotMarket`, with an owner 0 that does not just work. */
export function runAdversaryMarket(
  scenario: Scenario,
  population: Population,
  seed: number,
  { ownWork = 0, handicap = 0, before, routed, ended: told }: Conduct,
): AdversaryResult {
  const { ownerOfSlot, capacity, owners } = population;
  const slots = ownerOfSlot.length;
  const own = capacity[0] ?? 0;
  const queues = new Int32Array(slots);
  const jobs = new Float64Array(owners);
  const ended = new Float64Array(owners);
  const random = createRandom(seed, "market");
  const buying = createRandom(seed, "own purchases");
  const presence = createPresence(population, queues, { floorShare: floorShare(scenario), handicap });
  const options = { floor: presence.floor.share > 0 ? presence.floor : undefined };
  // Others buy as much as they would without the purchases from itself.
  const busy = scenario.utilisation / (1 - ownWork);
  const arrival = busy / (1 + busy);
  const warm = scenario.events * WARM_UP;
  const perEvent = (1 - arrival) / slots;
  let trace = 2_166_136_261;
  let ownJobs = 0;
  let untilLeft: Float64Array | null = null;
  for (let event = 0; event < scenario.events; event++) {
    const counts = event > warm;
    if (counts && before?.((event - warm) * perEvent, presence) === "left") {
      // What it was working on is lost, and not paid.
      queues.fill(0, 0, own);
      untilLeft ??= jobs.slice();
    }
    if (random() < arrival) {
      const self = ownWork > 0 && buying() < ownWork;
      const slot = self
        ? idleOwn(queues, own, random)
        : presence.slotAt(routeJob(presence.market, random, options) ?? 0);
      if (slot === undefined) {
        continue;
      }
      queues[slot] = (queues[slot] ?? 0) + 1;
      trace = Math.imul(trace ^ slot, 16_777_619) >>> 0;
      if (counts && self) {
        ownJobs += 1;
      } else if (counts) {
        const owner = ownerOfSlot[slot] ?? 0;
        jobs[owner] = (jobs[owner] ?? 0) + 1;
        if (owner === 0) {
          routed?.();
        }
      }
    } else {
      const slot = Math.floor(random() * slots);
      const queue = queues[slot] ?? 0;
      if (queue > 0) {
        queues[slot] = queue - 1;
        const owner = ownerOfSlot[slot] ?? 0;
        if (counts) {
          ended[owner] = (ended[owner] ?? 0) + 1;
        }
        if (owner === 0) {
          told?.();
        }
      }
    }
  }
  const overloaded = queues.reduce((sum, queue) => sum + (queue > OVERLOAD ? 1 : 0), 0) / slots;
  return { jobs, ended, untilLeft, ownJobs, trace, overloaded, slots };
}

function idleOwn(queues: Int32Array, own: number, random: () => number): number | undefined {
  for (let tried = 0; tried < OWN_TRIED; tried++) {
    const slot = Math.floor(random() * own);
    if (queues[slot] === 0) {
      return slot;
    }
  }
  return undefined;
}
