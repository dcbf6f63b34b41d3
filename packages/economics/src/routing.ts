/*
 * Routing by slots. A slot is bonded capacity, so splitting a provider into many identities changes nothing: the draw
 * is over slots, never over names. Power of two choices (Mitzenmacher 2001) keeps the fullest queue short: of two slots
 * drawn at random the less loaded one is taken. Price, region and proof level are filters before the draw.
 *
 * A part φ of the jobs goes to members instead, attested people or organisations, each as likely as any other: it is what
 * spreads revenue beyond capacity. The same functions serve the gateway and the simulator.
 */

/** Slots that satisfy a request, numbered from 0. */
export interface SlotMarket {
  readonly slots: number;
  /** Work at a slot; 0 when it is idle. */
  load(slot: number): number;
}

/** The part of the jobs that members get alike. */
export interface MemberFloor {
  /** φ, 0 to 1. */
  readonly share: number;
  readonly members: number;
  /** An idle slot of the member, or undefined. */
  idleSlot(member: number, random: () => number): number | undefined;
}

/** Whether a slot belongs to a failure domain or cluster that has more than its cap already. */
export type Capped = (slot: number) => boolean;

/** Members that are looked at before a job goes to the slots after all: idle ones are most, and a job must not wait. */
const MEMBERS_TRIED = 3;
/**
 * Slots that are looked at in place of a capped one. A cap moves work to others while they are idle, and never makes a job
 * wait: s_eff = max(cap, 1 − (1 − Z)/u) for an owner of the part Z of the capacity when u of all is busy.
 */
const REDRAWS = 32;

/**
 * Draws the slot for one job; undefined when there is none.
 *
 * @param random uniform in [0, 1); passed in so that a trace can be repeated.
 */
export function routeJob(
  market: SlotMarket,
  random: () => number,
  { floor, capped }: { readonly floor?: MemberFloor | undefined; readonly capped?: Capped | undefined } = {},
): number | undefined {
  if (floor !== undefined && floor.members > 0 && random() < floor.share) {
    for (let tried = 0; tried < MEMBERS_TRIED; tried++) {
      const slot = floor.idleSlot(Math.floor(random() * floor.members), random);
      if (slot !== undefined) {
        return slot;
      }
    }
  }
  if (market.slots < 1) {
    return undefined;
  }
  const first = drawSlot(market, random, capped);
  const second = drawSlot(market, random, capped);
  return market.load(second) < market.load(first) ? second : first;
}

function drawSlot({ slots, load }: SlotMarket, random: () => number, capped: Capped | undefined): number {
  const slot = Math.floor(random() * slots);
  if (capped === undefined || !capped(slot)) {
    return slot;
  }
  let leastBusy: number | undefined;
  for (let redraw = 0; redraw < REDRAWS; redraw++) {
    const other = Math.floor(random() * slots);
    if (capped(other)) {
      continue;
    }
    if (load(other) === 0) {
      return other;
    }
    if (leastBusy === undefined || load(other) < load(leastBusy)) {
      leastBusy = other;
    }
  }
  return leastBusy === undefined || load(slot) === 0 ? slot : leastBusy;
}

/** Capacity that one provider offers. */
export interface Capacity {
  /** Bonded slots; a provider with twice the slots is drawn twice as often. */
  readonly slots: number;
  /** Requests that it is working on, as far as the buyer knows. */
  readonly inFlight: number;
}

/**
 * Draws one of `candidates` by its slots, or undefined when none has a slot.
 *
 * @param random as for `routeJob`.
 */
export function chooseSlot<Candidate extends Capacity>(
  candidates: readonly Candidate[],
  random: () => number,
): Candidate | undefined {
  const total = candidates.reduce((sum, { slots }) => sum + slots, 0);
  const market: SlotMarket = {
    slots: total,
    load(slot) {
      const owner = slotAt(candidates, slot);
      return owner === undefined ? Number.POSITIVE_INFINITY : owner.inFlight / owner.slots;
    },
  };
  const slot = routeJob(market, random);
  return slot === undefined ? undefined : slotAt(candidates, slot);
}

/** The candidate that owns the slot with this number, counting through all of them in order. */
function slotAt<Candidate extends Capacity>(candidates: readonly Candidate[], slot: number): Candidate | undefined {
  let rest = slot;
  for (const candidate of candidates) {
    if (rest < candidate.slots) {
      return candidate;
    }
    rest -= candidate.slots;
  }
  return undefined;
}
