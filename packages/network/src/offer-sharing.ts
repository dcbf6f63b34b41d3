import { encodeSignedOffer, FrameType } from "@depinfer/protocol";
import type { Link } from "./link.ts";
import type { OfferBook, OfferRejection } from "./offer-book.ts";

/** Offers sent to a new peer per turn of the event loop: a full book must not hold up requests. */
const OFFERS_PER_TURN = 32;

/** Refusals that only a broken or hostile peer causes; what is merely late is not among them. */
const FAULTS: ReadonlySet<OfferRejection> = new Set(["malformed", "tooLarge", "badSignature", "wrongPeer"]);

/** Faulty offers one link may deliver before it is closed: checking signatures costs a third of a millisecond each. */
const MAX_FAULTS_PER_LINK = 50;

/** Passes offers over links, so that a fresh gateway knows the market with its first link and not with the next gossip. */
export interface OfferSharing {
  /** Tells a new peer everything. */
  greet(link: Link): void;
  /** An OFFER frame arrived. */
  receive(payload: Uint8Array, link: Link): void;
}

export function createOfferSharing(book: OfferBook): OfferSharing {
  const faults = new WeakMap<Link, number>();

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
    if (verdict.accepted || !FAULTS.has(verdict.reason)) {
      return;
    }
    const count = (faults.get(link) ?? 0) + 1;
    faults.set(link, count);
    if (count > MAX_FAULTS_PER_LINK) {
      link.close(`it delivered ${count} faulty offers`);
    }
  }

  return { greet, receive };
}
