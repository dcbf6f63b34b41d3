import { type Hex, type Offer, offerSchema } from "@depinfer/protocol";

/** A class id made of one repeated byte. */
export function classIdOf(byte: number): Hex {
  return `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;
}

/** A valid offer of `peerId` that lives for a minute from `issuedAt`. */
export function offerOf(peerId: string, issuedAt: number, changes: Partial<Offer> = {}): Offer {
  const offer = offerSchema.parse({
    v: 1,
    peerId,
    addresses: ["/ip4/127.0.0.1/udp/4001/quic-v1"],
    provider: `0x${"0a".repeat(20)}`,
    receiptKey: `0x${"0b".repeat(20)}`,
    model: "depinfer-tiny",
    classId: classIdOf(1),
    proofLevel: "seeded",
    prices: { inputPerMillion: "50000", cachedInputPerMillion: "5000", outputPerMillion: "200000" },
    contextLength: 4096,
    slots: 4,
    idleSlots: 4,
    region: "eu",
    sequence: 1,
    issuedAt,
    expiresAt: issuedAt + 60_000,
  });
  return { ...offer, ...changes };
}
