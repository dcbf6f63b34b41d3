import { chooseSlot } from "@depinfer/economics";
import type { Hex, Offer, ProofLevel } from "@depinfer/protocol";

/** What the buyer demands of a provider. */
export interface Policy {
  /** Model name or class id. */
  readonly model: string;
  /** Proof levels that will do; all when empty. */
  readonly proofLevels?: readonly ProofLevel[];
  /** Providers to ask and no others; all when empty. For tests and pinned contracts. */
  readonly providers?: readonly Hex[];
}

export interface Rejection {
  readonly provider: Hex;
  readonly peerId: string;
  readonly reason: string;
}

/** Why this provider and no other. */
export interface Decision {
  readonly chosen: Offer | undefined;
  readonly rejected: readonly Rejection[];
}

export interface RoutingState {
  /** Requests that this buyer has at a peer. */
  readonly inFlight: (peerId: string) => number;
  /** Why a peer is not to be asked now, or undefined. */
  readonly excluded: (peerId: string) => string | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Filters offers by the policy, then draws among slots; see `chooseSlot`. */
export function route(offers: readonly Offer[], policy: Policy, state: RoutingState): Decision {
  const rejected: Rejection[] = [];
  const fitting = offers.filter((offer) => {
    const reason = unfit(offer, policy) ?? state.excluded(offer.peerId);
    if (reason !== undefined) {
      rejected.push({ provider: offer.provider, peerId: offer.peerId, reason });
    }
    return reason === undefined;
  });
  const candidates = fitting.map((offer) => ({ offer, slots: offer.slots, inFlight: state.inFlight(offer.peerId) }));
  const free = candidates.filter(({ slots, inFlight }) => inFlight < slots);
  // With every slot taken the shortest queue decides; the provider may still refuse as busy.
  const chosen = chooseSlot(free.length > 0 ? free : candidates, state.random)?.offer;
  for (const { offer, inFlight, slots } of candidates) {
    if (offer !== chosen) {
      const reason =
        inFlight < slots ? "was not drawn, or lost the draw to a less loaded slot" : `all ${slots} slots are at work`;
      rejected.push({ provider: offer.provider, peerId: offer.peerId, reason });
    }
  }
  return { chosen, rejected };
}

/** Whether an offer serves what a `model` parameter asks for. */
export function serves(offer: Offer, model: string): boolean {
  return offer.model === model || offer.classId === model;
}

function unfit(offer: Offer, { model, proofLevels = [], providers = [] }: Policy): string | undefined {
  if (!serves(offer, model)) {
    return `serves ${offer.model}, not ${model}`;
  }
  if (proofLevels.length > 0 && !proofLevels.includes(offer.proofLevel)) {
    return `its proof level is ${offer.proofLevel}, wanted is ${proofLevels.join(" or ")}`;
  }
  if (providers.length > 0 && !providers.includes(offer.provider)) {
    return "is not among the providers that the request allows";
  }
  return offer.slots > 0 ? undefined : "offers no slots";
}
