import { encodeSignedOffer, FrameType } from "@depinfer/protocol";
import type { Clock } from "./clock.ts";
import type { Link } from "./link.ts";
import type { OfferBook, OfferRejection } from "./offer-book.ts";

/** Offers sent per turn of the event loop: a full book must not hold up requests. */
const OFFERS_PER_TURN = 32;

/** Refusals that only a broken or hostile peer causes; what is merely late is not among them. */
const FAULTS: ReadonlySet<OfferRejection> = new Set(["malformed", "tooLarge", "badSignature", "wrongPeer"]);

/** Faulty offers one link may deliver before it is closed: checking signatures costs a third of a millisecond each. */
const MAX_FAULTS_PER_LINK = 50;

/**
 * An offer that is older than this when it comes over a link, in ms, was missed by gossip: two parts of the network
 * have just found each other. It is passed on. A younger one is in the hands of gossip, and passing it on to every
 * link as well would multiply the traffic by the number of links.
 */
const MISSED_AFTER_MS = 3000;

/** How often one peer, drawn at random, is told everything again, in ms. Whatever was lost on the way arrives then. */
const REPAIR_INTERVAL_MS = 30_000;

export interface OfferSharingModules {
  readonly clock: Clock;
  readonly random: () => number;
  readonly book: OfferBook;
  readonly links: () => readonly Link[];
}

/** Passes offers over links, so that a fresh gateway knows the market with its first link and not with the next gossip. */
export interface OfferSharing {
  start(): void;
  stop(): void;
  /** Tells a new peer everything. */
  greet(link: Link): void;
  /** An OFFER frame arrived. */
  receive(payload: Uint8Array, link: Link): void;
}

export function createOfferSharing({ clock, random, book, links }: OfferSharingModules): OfferSharing {
  const faults = new WeakMap<Link, number>();
  let cancelRepair: () => void = () => {};

  function greet(link: Link): void {
    const offers = book.signedOffers();
    let next = 0;
    const send = (): void => {
      for (let sent = 0; sent < OFFERS_PER_TURN && next < offers.length && !link.closed; sent++) {
        const offer = offers[next++];
        if (offer !== undefined && !link.sendControl(FrameType.OFFER, encodeSignedOffer(offer))) {
          break;
        }
      }
      if (next < offers.length && !link.closed) {
        setImmediate(send);
      }
    };
    send();
  }

  function receive(payload: Uint8Array, link: Link): void {
    const verdict = book.acceptBytes(payload);
    if (verdict.accepted) {
      if (verdict.offer.issuedAt < clock.now() - MISSED_AFTER_MS) {
        passOn(payload, link);
      }
    } else if (FAULTS.has(verdict.reason)) {
      const count = (faults.get(link) ?? 0) + 1;
      faults.set(link, count);
      if (count > MAX_FAULTS_PER_LINK) {
        link.close(`it delivered ${count} faulty offers`);
      }
    }
  }

  function passOn(payload: Uint8Array, from: Link): void {
    for (const link of links()) {
      if (link !== from) {
        link.sendControl(FrameType.OFFER, payload);
      }
    }
  }

  function repair(): void {
    cancelRepair = clock.after(REPAIR_INTERVAL_MS * (0.5 + random()), repair);
    const all = links();
    const chosen = all[Math.floor(random() * all.length)];
    if (chosen !== undefined) {
      greet(chosen);
    }
  }

  return {
    start() {
      cancelRepair = clock.after(REPAIR_INTERVAL_MS * random(), repair);
    },
    stop: () => cancelRepair(),
    greet,
    receive,
  };
}
