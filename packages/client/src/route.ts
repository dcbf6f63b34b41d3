import { chooseSlot } from "@depinfer/economics";
import {
  type Feature,
  formatUsd,
  type Hex,
  levelOfAnswer,
  type MinimumLevel,
  meetsLevel,
  missingFeatures,
  type Offer,
  type RequestPolicy,
} from "@depinfer/protocol";

/** What the buyer demands of a provider. */
export interface Policy extends Omit<RequestPolicy, "minProof" | "audit" | "providers" | "deny"> {
  /** Model name or class id. */
  readonly model: string;
  /** The runtime class and no other, for the rest of an answer that was begun in it. */
  readonly classId?: Hex;
  /** The least that the answer has to be provable; `none` by default. */
  readonly minProofLevel?: MinimumLevel;
  /** Providers to ask and no others; all when empty or missing. */
  readonly providers?: readonly Hex[] | undefined;
  /** Providers that are never asked. */
  readonly deny?: readonly Hex[] | undefined;
  /** What the request's parameters need. */
  readonly features?: readonly Feature[];
  /** Let `attested-SIMULATED` pass for `attested`. For tests and demonstrations. */
  readonly allowSimulatedAttestation?: boolean;
  /** The request's temperature, above 0 when missing: a `greedy` offer proves nothing there. */
  readonly temperature?: number;
  /** Whether anything but the model and the temperature decides: a `greedy` offer proves nothing there either. */
  readonly shaped?: boolean;
}

export interface Rejection {
  readonly provider: Hex;
  readonly peerId: string;
  readonly reason: string;
}

/** Why this provider and no other. */
export interface Decision {
  readonly chosen: Offer | undefined;
  /** Whether the chosen one has a slot that is not at work, as far as the buyer knows. */
  readonly idle: boolean;
  readonly rejected: readonly Rejection[];
}

export interface RoutingState {
  /** Requests that this buyer has at a peer. */
  readonly inFlight: (peerId: string) => number;
  /** How many of an offer's slots may be used; all of them when missing. A newcomer's are few at first. */
  readonly usableSlots?: (offer: Offer) => number;
  /** Milliseconds to a peer's first token, or undefined as long as nothing was measured. */
  readonly latencyMs?: (peerId: string) => number | undefined;
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
      tooDear(offer, policy) ??
      tooSlow(offer, policy, state) ??
      levelReason(offer, policy, state) ??
      state.unaffordable?.(offer) ??
      state.excluded(offer.peerId);
    if (reason !== undefined) {
      rejected.push({ provider: offer.provider, peerId: offer.peerId, reason });
    }
    return reason === undefined;
  });
  const candidates = fitting.map((offer) => ({
    offer,
    slots: offer.slots,
    usable: state.usableSlots?.(offer) ?? offer.slots,
    inFlight: state.inFlight(offer.peerId),
  }));
  const gentle = candidates.filter(({ usable, inFlight }) => inFlight < usable);
  // A newcomer's slots are taken before anybody has to wait.
  const free = gentle.length > 0 ? gentle : candidates.filter(({ slots, inFlight }) => inFlight < slots);
  // With every slot taken the shortest queue decides; the provider may still refuse as busy.
  const chosen = chooseSlot(free.length > 0 ? free : candidates, state.random)?.offer;
  for (const candidate of candidates) {
    const { offer } = candidate;
    if (offer !== chosen) {
      rejected.push({ provider: offer.provider, peerId: offer.peerId, reason: notDrawn(candidate) });
    }
  }
  return { chosen, idle: free.length > 0, rejected };
}

function notDrawn({
  inFlight,
  slots,
  usable,
}: {
  readonly inFlight: number;
  readonly slots: number;
  readonly usable: number;
}): string {
  if (inFlight < usable) {
    return "was not drawn, or lost the draw to a less loaded slot";
  }
  return inFlight < slots
    ? `is new here and gets ${usable} of its ${slots} slots until it has answered more, which are at work`
    : `all ${slots} slots are at work`;
}

/** Whether an offer serves what a `model` parameter asks for. */
export function serves(offer: Offer, model: string): boolean {
  return offer.model === model || offer.classId === model;
}

function unfit(offer: Offer, policy: Policy): string | undefined {
  const { model, classId, providers = [], deny = [], regions, quantisations, privacy, features = [] } = policy;
  if (!serves(offer, model)) {
    return `serves ${offer.model}, not ${model}`;
  }
  if (classId !== undefined && offer.classId !== classId) {
    return `computes in class ${offer.classId}, the answer was begun in ${classId}`;
  }
  if (providers.length > 0 && !providers.includes(offer.provider)) {
    return "is not among the providers that the request allows";
  }
  if (deny.includes(offer.provider)) {
    return "is denied by the request";
  }
  if (regions !== undefined && !regions.includes(offer.region)) {
    return `is in ${offer.region === "" ? "no declared region" : offer.region}, wanted is ${regions.join(" or ")}`;
  }
  const quantisation = offer.runtimeClass?.quantisation;
  if (quantisations !== undefined && (quantisation === undefined || !quantisations.includes(quantisation))) {
    return `computes in ${quantisation ?? "a quantisation that it hides"}, wanted is ${quantisations.join(" or ")}`;
  }
  if (privacy === "attested" && !meetsLevel(offer.proofLevel, "attested", policy)) {
    return `its operator could read along: its proof level is ${offer.proofLevel}, not attested`;
  }
  const missing = missingFeatures(features, offer.features);
  if (missing.length > 0) {
    return `does not honour ${missing.join(", ")}`;
  }
  return offer.slots > 0 ? undefined : "offers no slots";
}

function tooDear({ prices }: Offer, { maxInputPrice, maxOutputPrice }: Policy): string | undefined {
  if (maxInputPrice !== undefined && prices.inputPerMillion > maxInputPrice) {
    return `asks ${formatUsd(prices.inputPerMillion)} per million tokens of input, the most is ${formatUsd(maxInputPrice)}`;
  }
  if (maxOutputPrice !== undefined && prices.outputPerMillion > maxOutputPrice) {
    return `asks ${formatUsd(prices.outputPerMillion)} per million tokens of output, the most is ${formatUsd(maxOutputPrice)}`;
  }
  return undefined;
}

/** A provider that was never measured is let through, or none would ever be. */
function tooSlow({ peerId }: Offer, { maxLatencyMs }: Policy, { latencyMs }: RoutingState): string | undefined {
  const latency = latencyMs?.(peerId);
  return maxLatencyMs !== undefined && latency !== undefined && latency > maxLatencyMs
    ? `needs ${Math.round(latency)} ms to its first token, the most is ${maxLatencyMs} ms`
    : undefined;
}

function levelReason(offer: Offer, policy: Policy, state: RoutingState): string | undefined {
  const { minProofLevel: minimum = "none", temperature = 1, shaped = false } = policy;
  if (minimum === "none") {
    return undefined;
  }
  const level = shaped && offer.proofLevel === "greedy" ? "none" : levelOfAnswer(offer.proofLevel, temperature);
  if (!meetsLevel(level, minimum, policy)) {
    const found = `its proof level is ${offer.proofLevel}`;
    if (offer.proofLevel === "attested-SIMULATED") {
      return `${found}, which counts for nothing unless simulated attestation is allowed`;
    }
    return meetsLevel(offer.proofLevel, minimum, policy)
      ? `${found}, which holds at temperature 0 only, and for the model's own best tokens`
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
