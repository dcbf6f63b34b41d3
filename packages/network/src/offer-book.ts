import type { Hex, Offer, SignedOffer } from "@depinfer/protocol";
import type { Clock } from "./clock.ts";
import type { Unsubscribe } from "./link.ts";

/** Why an offer was not taken. `duplicate` is the normal echo of gossip and no fault of anyone. */
export type OfferRejection =
  | "malformed"
  | "tooLarge"
  | "badSignature"
  | "wrongPeer"
  | "expired"
  | "notYetValid"
  | "oldSequence"
  | "duplicate"
  | "full";

export type OfferVerdict = { readonly accepted: true } | { readonly accepted: false; readonly reason: OfferRejection };

export interface OfferFilter {
  readonly classId?: Hex;
  readonly model?: string;
  readonly peerId?: string;
}

export type OfferChange =
  | { readonly kind: "added" | "updated"; readonly offer: Offer }
  | { readonly kind: "expired"; readonly offer: Offer };

/**
 * The routing table in memory: the newest valid offer of every (peer, runtime class), gone the moment it expires.
 * A node that rejoins ten times is one node.
 */
export interface OfferBook {
  /** Checks an offer and stores it. Everything that is refused is counted by reason and never stored. */
  accept(signed: SignedOffer): OfferVerdict;
  /** As `accept`, for bytes from the wire. */
  acceptBytes(bytes: Uint8Array): OfferVerdict;
  /** Valid offers, oldest entry first. */
  offers(filter?: OfferFilter): readonly Offer[];
  signedOffers(): readonly SignedOffer[];
  onChange(handler: (change: OfferChange) => void): Unsubscribe;
  /** How many offers were refused, by reason, since the start. */
  readonly rejected: Readonly<Record<OfferRejection, number>>;
  /** Stops the expiry timer. */
  stop(): void;
}

export interface OfferBookModules {
  readonly clock?: Clock;
}

export interface OfferBookOptions {
  /** Entries kept at most; further peers are refused with `full`. */
  readonly maxOffers?: number;
  /** Runtime classes one peer may offer at once. */
  readonly maxClassesPerPeer?: number;
}
