import { chooseSlot } from "@depinfer/economics";
import { type Hex, levelOfAnswer, type MinimumLevel, meetsLevel, type Offer } from "@depinfer/protocol";

/** What the buyer demands of a provider. */
export interface Policy {
  /** Model name or class id. */
  readonly model: string;
  /** The least that the answer has to be provable; `none` by default. */
  readonly minProofLevel?: MinimumLevel;
  /** Let `attested-SIMULATED` pass for `attested`. For tests and demonstrations. */
  readonly allowSimulatedAttestation?: boolean;
  /** The request's temperature, above 0 when missing: a `greedy` offer proves nothing there. */
  readonly temperature?: number;
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
  /** What is wrong with the quote in an offer, or undefined; without it no quote is believed. */
  readonly attestationFault?: (offer: Offer) => string | undefined;
  /** Why what pays does not reach an offer's prices, or undefined. */
  readonly unaffordable?: (offer: Offer) => string | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Filters offers by the policy, then draws among slots; see `chooseSlot`. */
export function route(offers: readonly Offer[], policy: Policy, state: RoutingState): Decision {
  const rejected: Rejection[] = [];
  const fitting = offers.filter((offer) => {
    const reason =
      unfit(offer, policy) ??
      levelReason(offer, policy, state) ??
      state.unaffordable?.(offer) ??
      state.excluded(offer.peerId);
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

function unfit(offer: Offer, { model, providers = [] }: Policy): string | undefined {
  if (!serves(offer, model)) {
    return `serves ${offer.model}, not ${model}`;
  }
  if (providers.length > 0 && !providers.includes(offer.provider)) {
    return "is not among the providers that the request allows";
  }
  return offer.slots > 0 ? undefined : "offers no slots";
}

function levelReason(offer: Offer, policy: Policy, state: RoutingState): string | undefined {
  const { minProofLevel: minimum = "none", temperature = 1 } = policy;
  if (minimum === "none") {
    return undefined;
  }
  if (!meetsLevel(levelOfAnswer(offer.proofLevel, temperature), minimum, policy)) {
    const found = `its proof level is ${offer.proofLevel}`;
    if (offer.proofLevel === "attested-SIMULATED") {
      return `${found}, which counts for nothing unless simulated attestation is allowed`;
    }
    return meetsLevel(offer.proofLevel, minimum, policy)
      ? `${found}, which holds at temperature 0 only, and the request's is ${temperature}`
      : `${found}, wanted is at least ${minimum}`;
  }
  if (offer.runtimeClass === undefined) {
    return "hides its runtime class, so its proof level cannot be checked";
  }
  // An attested class can be computed again like any other, so its quote matters only to one who asks for it.
  return minimum === "attested" ? quoteReason(offer, state) : undefined;
}

function quoteReason(offer: Offer, { attestationFault }: RoutingState): string | undefined {
  const fault = attestationFault === undefined ? "nothing here can check quotes" : attestationFault(offer);
  return fault === undefined ? undefined : `its quote is not accepted: ${fault}`;
}
