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

/*
 * Gossip carries offers; it is fast and its cost does not grow with the number of links. But a node that joins is not
 * in the mesh for its first seconds, longer under load, and what is published meanwhile passes it by for ever. Links
 * make up for that, each measure closing the hole that the one before it leaves:
 *
 *   1. A new link is told everything at once, and again when gossip should have reached it.
 *   2. An offer that came over a link and that gossip does not bring within seconds is passed on to the other links:
 *      gossip has missed it here, so it will have missed it further on.
 *   3. Now and then one peer, drawn at random, is told everything.
 *
 * A repeated offer costs its receiver a comparison and no signature check.
 */

/** When a new link is told everything, in ms after it was made. */
const GREETINGS_MS = [0, 3000, 10_000];

/** How long gossip may take to bring what a link has brought, in ms. Its heartbeat is a second. */
const GOSSIP_GRACE_MS = 3000;

/** Offers that wait for gossip at most; beyond it they are left to the other measures. */
const MAX_WAITING = 10_000;

/** Time between tellings to a peer drawn at random, in ms, give or take half. */
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
  /** Gossip brought these bytes. */
  gossiped(payload: Uint8Array): void;
}

export function createOfferSharing({ clock, random, book, links }: OfferSharingModules): OfferSharing {
  const faults = new WeakMap<Link, number>();
  /** Timers of offers that wait for gossip, by their bytes. */
  const waiting = new Map<string, () => void>();
  let cancelRepair: () => void = () => {};

  function greet(link: Link): void {
    for (const delayMs of GREETINGS_MS) {
      if (delayMs === 0) {
        tellAll(link);
      } else {
        const cancel = clock.after(delayMs, () => tellAll(link));
        link.onClose(cancel);
      }
    }
  }

  function tellAll(link: Link): void {
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
      awaitGossip(payload, link, verdict.offer.issuedAt);
    } else if (FAULTS.has(verdict.reason)) {
      const count = (faults.get(link) ?? 0) + 1;
      faults.set(link, count);
      if (count > MAX_FAULTS_PER_LINK) {
        link.close(`it delivered ${count} faulty offers`);
      }
    }
  }

  function awaitGossip(payload: Uint8Array, from: Link, issuedAt: number): void {
    const graceMs = issuedAt + GOSSIP_GRACE_MS - clock.now();
    if (graceMs <= 0) {
      passOn(payload, from);
    } else if (waiting.size < MAX_WAITING) {
      const key = keyOf(payload);
      const kept = new Uint8Array(payload);
      const cancel = clock.after(Math.min(graceMs, GOSSIP_GRACE_MS), () => {
        waiting.delete(key);
        passOn(kept, from);
      });
      waiting.set(key, cancel);
    }
  }

  function gossiped(payload: Uint8Array): void {
    const key = keyOf(payload);
    waiting.get(key)?.();
    waiting.delete(key);
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
      tellAll(chosen);
    }
  }

  return {
    start() {
      cancelRepair = clock.after(REPAIR_INTERVAL_MS * random(), repair);
    },
    stop() {
      cancelRepair();
      for (const cancel of waiting.values()) {
        cancel();
      }
      waiting.clear();
    },
    greet,
    receive,
    gossiped,
  };
}

/** Offers have one encoding, so their bytes name them. */
function keyOf(payload: Uint8Array): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString("latin1");
}
