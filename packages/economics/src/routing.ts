/*
 * Routing by slots. A slot is bonded capacity, so splitting a provider into many identities changes nothing: the draw
 * is over slots, never over names. Power of two choices (Mitzenmacher 2001) keeps the fullest queue short: of two slots
 * drawn at random the less loaded one is taken. Price, region and proof level are filters before the draw.
 */

/** Capacity that one provider offers. */
export interface Capacity {
  /** Bonded slots; a provider with twice the slots is drawn twice as often. */
  readonly slots: number;
  /** Requests that it is working on, as far as the buyer knows. */
  readonly inFlight: number;
}

/**
 * Draws one of `candidates`, or undefined when none has a slot.
 *
 * @param random uniform in [0, 1); passed in so that a trace can be repeated.
 */
export function chooseSlot<Candidate extends Capacity>(
  candidates: readonly Candidate[],
  random: () => number,
): Candidate | undefined {
  const total = candidates.reduce((sum, { slots }) => sum + slots, 0);
  const first = slotAt(candidates, Math.floor(random() * total));
  const second = slotAt(candidates, Math.floor(random() * total));
  if (first === undefined || second === undefined) {
    return first ?? second;
  }
  return load(second) < load(first) ? second : first;
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

function load({ inFlight, slots }: Capacity): number {
  return inFlight / slots;
}
