import {
  type Hex,
  MAX_OFFER_BYTES,
  MAX_OFFER_LIFETIME_MS,
  type Offer,
  offerSigningBytes,
  type SignedOffer,
} from "@depinfer/protocol";
import { type Clock, systemClock } from "./clock.ts";
import { Handlers } from "./handlers.ts";
import type { Unsubscribe } from "./link.ts";
import { decodeSignedOffer, MAX_CLOCK_SKEW_MS, verifyOffer } from "./sign-offer.ts";

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

export type OfferVerdict =
  | { readonly accepted: true; readonly offer: Offer }
  | { readonly accepted: false; readonly reason: OfferRejection };

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
  /** Told when an `onChange` handler threw. */
  readonly onProblem?: (problem: unknown) => void;
}

export interface OfferBookOptions {
  /** Entries kept at most; further peers are refused with `full`. */
  readonly maxOffers?: number;
  /** Runtime classes one peer may offer at once. */
  readonly maxClassesPerPeer?: number;
}

const DEFAULT_MAX_OFFERS = 100_000;
const DEFAULT_MAX_CLASSES_PER_PEER = 64;

/** An offer issued before now, clocks apart, has expired after this many ms. */
const MARK_LIFETIME_MS = MAX_OFFER_LIFETIME_MS + MAX_CLOCK_SKEW_MS;

/**
 * The highest sequence seen for a (peer, class), kept until every offer that could have been signed before it has
 * expired. Without it an old offer with a long life could be played back after a newer one with a short life ended.
 */
interface SequenceMark {
  readonly sequence: number;
  readonly forgetAt: number;
}

/**
 * An empty offer book.
 *
 * @example
 * const book = createOfferBook();
 * book.accept(signOffer(offer, key)); // { accepted: true }
 * book.offers({ model: "depinfer-tiny" }); // [offer]
 */
export function createOfferBook(modules: OfferBookModules = {}, options: OfferBookOptions = {}): OfferBook {
  const clock = modules.clock ?? systemClock;
  const maxOffers = options.maxOffers ?? DEFAULT_MAX_OFFERS;
  const maxClassesPerPeer = options.maxClassesPerPeer ?? DEFAULT_MAX_CLASSES_PER_PEER;
  const entries = new Map<string, SignedOffer>();
  const marks = new Map<string, SequenceMark>();
  const classesOfPeer = new Map<string, number>();
  const rejected: Record<OfferRejection, number> = {
    malformed: 0,
    tooLarge: 0,
    badSignature: 0,
    wrongPeer: 0,
    expired: 0,
    notYetValid: 0,
    oldSequence: 0,
    duplicate: 0,
    full: 0,
  };
  const changes = new Handlers<[change: OfferChange]>(modules.onProblem ?? (() => {}));
  let cancelTimer: (() => void) | undefined;
  let timerAt = Number.POSITIVE_INFINITY;

  function reject(reason: OfferRejection): OfferVerdict {
    rejected[reason]++;
    return { accepted: false, reason };
  }

  function accept(signed: SignedOffer): OfferVerdict {
    const { offer } = signed;
    const key = `${offer.peerId} ${offer.classId}`;
    const present = entries.get(key);
    if (present !== undefined && isSame(present, signed)) {
      return reject("duplicate");
    }
    const fault = verifyOffer(signed, clock.now());
    if (fault !== undefined) {
      return reject(fault);
    }
    const mark = marks.get(key);
    if (mark !== undefined && offer.sequence <= mark.sequence) {
      return reject("oldSequence");
    }
    const classes = classesOfPeer.get(offer.peerId) ?? 0;
    if (present === undefined && (entries.size >= maxOffers || classes >= maxClassesPerPeer)) {
      return reject("full");
    }
    entries.set(key, signed);
    marks.set(key, { sequence: offer.sequence, forgetAt: clock.now() + MARK_LIFETIME_MS });
    if (present === undefined) {
      classesOfPeer.set(offer.peerId, classes + 1);
    }
    schedule(offer.expiresAt);
    changes.call({ kind: present === undefined ? "added" : "updated", offer });
    return { accepted: true, offer };
  }

  function acceptBytes(bytes: Uint8Array): OfferVerdict {
    if (bytes.length > MAX_OFFER_BYTES) {
      return reject("tooLarge");
    }
    const signed = decodeSignedOffer(bytes);
    return signed === undefined ? reject("malformed") : accept(signed);
  }

  /** Makes sure that the timer rings at `time` or before. */
  function schedule(time: number): void {
    if (time >= timerAt) {
      return;
    }
    cancelTimer?.();
    timerAt = time;
    cancelTimer = clock.after(time - clock.now(), expire);
  }

  function expire(): void {
    cancelTimer = undefined;
    timerAt = Number.POSITIVE_INFINITY;
    const now = clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [key, signed] of entries) {
      if (signed.offer.expiresAt > now) {
        next = Math.min(next, signed.offer.expiresAt);
        continue;
      }
      entries.delete(key);
      const classes = (classesOfPeer.get(signed.offer.peerId) ?? 1) - 1;
      if (classes === 0) {
        classesOfPeer.delete(signed.offer.peerId);
      } else {
        classesOfPeer.set(signed.offer.peerId, classes);
      }
      changes.call({ kind: "expired", offer: signed.offer });
    }
    for (const [key, mark] of marks) {
      if (mark.forgetAt <= now) {
        marks.delete(key);
      }
    }
    if (next !== Number.POSITIVE_INFINITY) {
      schedule(next);
    }
  }

  function* valid(): Generator<SignedOffer> {
    const now = clock.now();
    for (const signed of entries.values()) {
      if (signed.offer.expiresAt > now) {
        yield signed;
      }
    }
  }

  function offers(filter: OfferFilter = {}): readonly Offer[] {
    const found: Offer[] = [];
    for (const { offer } of valid()) {
      if (
        (filter.classId === undefined || filter.classId === offer.classId) &&
        (filter.model === undefined || filter.model === offer.model) &&
        (filter.peerId === undefined || filter.peerId === offer.peerId)
      ) {
        found.push(offer);
      }
    }
    return found;
  }

  return {
    accept,
    acceptBytes,
    offers,
    signedOffers: () => [...valid()],
    onChange: (handler) => changes.add(handler),
    rejected,
    stop: () => {
      cancelTimer?.();
      cancelTimer = undefined;
      timerAt = Number.POSITIVE_INFINITY;
    },
  };
}

/** The echo of a stored offer, which needs no second signature check. */
function isSame(a: SignedOffer, b: SignedOffer): boolean {
  return a.signature === b.signature && Buffer.compare(offerSigningBytes(a.offer), offerSigningBytes(b.offer)) === 0;
}
