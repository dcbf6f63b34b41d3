import { encodeSignedOffer, MAX_OFFER_BYTES, type Offer, utf8 } from "@depinfer/protocol";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { createNodeKey } from "./node-key.ts";
import { createOfferBook, type OfferBook } from "./offer-book.ts";
import { signOffer, verifyOffer } from "./sign-offer.ts";
import { createManualClock, type ManualClock } from "./testing/clock.ts";
import { seedOf } from "./testing/hosts.ts";
import { classIdOf, offerOf } from "./testing/offers.ts";

const key = createNodeKey(seedOf("provider"));
const other = createNodeKey(seedOf("other"));

let clock: ManualClock;
let book: OfferBook;
beforeEach(() => {
  clock = createManualClock();
  book = createOfferBook({ clock });
});

function signed(changes: Partial<Offer> = {}) {
  return signOffer(offerOf(key.peerId, clock.now(), changes), key);
}

/** What the book said, in one word. */
function verdictOf(offer: ReturnType<typeof signed>): string {
  const verdict = book.accept(offer);
  return verdict.accepted ? "accepted" : verdict.reason;
}

describe("the offer book", () => {
  it("finds valid offers by class, model and peer", () => {
    book.accept(signed());
    book.accept(signed({ classId: classIdOf(2), model: "other-model", sequence: 2 }));
    expect(book.offers().length).toBe(2);
    expect(book.offers({ classId: classIdOf(2) }).map((offer) => offer.model)).toEqual(["other-model"]);
    expect(book.offers({ model: "depinfer-tiny" }).length).toBe(1);
    expect(book.offers({ model: "depinfer-tiny", classId: classIdOf(2) })).toEqual([]);
    expect(book.offers({ peerId: other.peerId })).toEqual([]);
  });

  it("counts a node that rejoins ten times as one", () => {
    for (let sequence = 1; sequence <= 10; sequence++) {
      expect(verdictOf(signed({ sequence, idleSlots: sequence % 4 }))).toBe("accepted");
    }
    expect(book.offers().map((offer) => offer.sequence)).toEqual([10]);
  });

  it("lets an offer go the moment it expires, and says so", () => {
    const changes: string[] = [];
    book.onChange(({ kind, offer }) => changes.push(`${kind} ${offer.sequence}`));
    book.accept(signed({ sequence: 1 }));
    book.accept(signed({ sequence: 2, expiresAt: clock.now() + 30_000 }));
    book.accept(signed({ classId: classIdOf(2), sequence: 3, expiresAt: clock.now() + 40_000 }));
    clock.advance(29_999);
    expect(book.offers().length).toBe(2);
    clock.advance(1);
    expect(book.offers().map((offer) => offer.sequence)).toEqual([3]);
    clock.advance(10_000);
    expect(book.offers()).toEqual([]);
    expect(changes).toEqual(["added 1", "updated 2", "added 3", "expired 2", "expired 3"]);
    expect(clock.timers, "timers left behind").toBe(0);
  });

  it("does not take an old offer back after its successor expired", () => {
    const long = signed({ sequence: 1 });
    book.accept(long);
    book.accept(signed({ sequence: 2, expiresAt: clock.now() + 1000 }));
    clock.advance(1000);
    expect(book.offers()).toEqual([]);
    expect(verdictOf(long)).toBe("oldSequence");
  });

  it.each([
    ["bad signature", () => ({ ...signed(), signature: signed({ sequence: 2 }).signature }), "badSignature"],
    ["changed price", () => ({ ...signed(), offer: { ...signed().offer, slots: 9 } }), "badSignature"],
    [
      "signature by another peer",
      () => ({ ...signOffer(offerOf(other.peerId, clock.now()), other), offer: signed().offer }),
      "wrongPeer",
    ],
    ["expired", () => signed({ issuedAt: clock.now() - 2000, expiresAt: clock.now() }), "expired"],
    [
      "issued in the future",
      () => signed({ issuedAt: clock.now() + 61_000, expiresAt: clock.now() + 90_000 }),
      "notYetValid",
    ],
  ])("refuses and counts: %s", (_what, make, reason) => {
    expect(verdictOf(make())).toBe(reason);
    expect(book.rejected).toMatchObject({ [reason]: 1 });
    expect(book.offers()).toEqual([]);
  });

  it("refuses a sequence that goes backwards or repeats with other content", () => {
    book.accept(signed({ sequence: 5 }));
    expect(verdictOf(signed({ sequence: 4 }))).toBe("oldSequence");
    expect(verdictOf(signed({ sequence: 5, idleSlots: 0 }))).toBe("oldSequence");
    expect(verdictOf(signed({ sequence: 5 }))).toBe("duplicate");
    expect(book.offers().map((offer) => offer.idleSlots)).toEqual([4]);
  });

  it("refuses bytes that are too many or no offer", () => {
    expect(book.acceptBytes(new Uint8Array(MAX_OFFER_BYTES + 1))).toEqual({ accepted: false, reason: "tooLarge" });
    expect(book.acceptBytes(utf8("{}"))).toEqual({ accepted: false, reason: "malformed" });
    const spaced = Buffer.concat([encodeSignedOffer(signed()), Buffer.from(" ")]);
    expect(book.acceptBytes(spaced), "another encoding of a valid offer").toMatchObject({ reason: "malformed" });
    expect(book.acceptBytes(encodeSignedOffer(signed()))).toMatchObject({ accepted: true });
  });

  it("meets any bytes without throwing", () => {
    const bytes = encodeSignedOffer(signed());
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.uint8Array({ maxLength: 50 }), (at, value, noise) => {
        const changed = new Uint8Array(bytes);
        changed[at] = value;
        for (const candidate of [changed, noise]) {
          const fresh = createOfferBook({ clock });
          const verdict = fresh.acceptBytes(candidate);
          fresh.stop();
          expect(verdict.accepted, `byte ${at} = ${value}`).toBe(Buffer.compare(candidate, bytes) === 0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("has room for so many peers and so many classes of one peer", () => {
    book = createOfferBook({ clock }, { maxOffers: 3, maxClassesPerPeer: 2 });
    expect(verdictOf(signed({ classId: classIdOf(1) }))).toBe("accepted");
    expect(verdictOf(signed({ classId: classIdOf(2) }))).toBe("accepted");
    expect(verdictOf(signed({ classId: classIdOf(3) }))).toBe("full");
    const offerFrom = (name: string) => {
      const peer = createNodeKey(seedOf(name));
      return signOffer(offerOf(peer.peerId, clock.now()), peer);
    };
    expect(verdictOf(offerFrom("third"))).toBe("accepted");
    expect(verdictOf(offerFrom("fourth"))).toBe("full");
    expect(verdictOf(signed({ sequence: 2 })), "an update needs no room").toBe("accepted");
    clock.advance(60_000);
    expect(verdictOf(offerFrom("fourth")), "expired entries make room").toBe("accepted");
  });
});

describe("signing an offer", () => {
  it("can be checked by anyone with the offer alone", () => {
    expect(verifyOffer(signed(), clock.now())).toBeUndefined();
  });

  it("is refused in the name of another peer", () => {
    expect(() => signOffer(offerOf(other.peerId, clock.now()), key)).toThrow(
      expect.objectContaining({ code: "network.wrongPeer" }),
    );
  });

  it("gives the same node from the same seed and refuses other seeds", () => {
    expect(createNodeKey(seedOf("provider")).peerId).toBe(key.peerId);
    expect(key.libp2pKey.publicKey.raw).toEqual(key.publicKey);
    expect(() => createNodeKey(new Uint8Array(31))).toThrow(expect.objectContaining({ code: "network.badSeed" }));
  });
});
