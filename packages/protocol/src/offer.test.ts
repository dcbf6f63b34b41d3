import { describe, expect, it } from "vitest";
import { microUsd } from "./money.ts";
import {
  encodeSignedOffer,
  MAX_OFFER_LIFETIME_MS,
  type Offer,
  offerSchema,
  offerSigningBytes,
  signedOfferSchema,
} from "./offer.ts";
import { classId, type RuntimeClass } from "./runtime-class.ts";

const wire = {
  v: 1,
  peerId: "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5",
  addresses: ["/ip4/203.0.113.7/udp/4001/quic-v1"],
  provider: "0x00000000000000000000000000000000000000AA",
  receiptKey: "0x00000000000000000000000000000000000000bb",
  model: "depinfer-tiny",
  classId: `0x${"11".repeat(32)}`,
  proofLevel: "seeded",
  prices: { inputPerMillion: "50000", cachedInputPerMillion: "5000", outputPerMillion: "200000" },
  contextLength: 4096,
  slots: 4,
  idleSlots: 3,
  region: "eu",
  sequence: 7,
  issuedAt: 1_800_000_000_000,
  expiresAt: 1_800_000_060_000,
};
const offer: Offer = offerSchema.parse(wire);

describe("an offer", () => {
  it("has prices as decimal strings on the wire and as money in memory", () => {
    expect(offer.prices.outputPerMillion).toBe(microUsd(200_000));
    const signed = {
      offer,
      publicKey: offer.classId,
      signature: signedOfferSchema.shape.signature.parse(`0x${"22".repeat(64)}`),
    };
    const sent: unknown = JSON.parse(Buffer.from(encodeSignedOffer(signed)).toString());
    expect(signedOfferSchema.parse(sent)).toEqual(signed);
    expect(sent).toHaveProperty("offer.prices.outputPerMillion", "200000");
  });

  it("is signed under its own domain as canonical JSON", () => {
    expect(Buffer.from(offerSigningBytes(offer)).toString()).toMatchInlineSnapshot(`
      "depinfer:offer:v1
      {"addresses":["/ip4/203.0.113.7/udp/4001/quic-v1"],"classId":"0x1111111111111111111111111111111111111111111111111111111111111111","contextLength":4096,"expiresAt":1800000060000,"idleSlots":3,"issuedAt":1800000000000,"model":"depinfer-tiny","peerId":"12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5","prices":{"cachedInputPerMillion":"5000","inputPerMillion":"50000","outputPerMillion":"200000"},"proofLevel":"seeded","provider":"0x00000000000000000000000000000000000000aa","receiptKey":"0x00000000000000000000000000000000000000bb","region":"eu","sequence":7,"slots":4,"v":1}"
    `);
  });

  it("has signing bytes that do not depend on the order of its fields and change with every field", () => {
    const reversed = offerSchema.parse(Object.fromEntries(Object.entries(wire).reverse()));
    expect(offerSigningBytes(reversed)).toEqual(offerSigningBytes(offer));
    const changes: Partial<Offer>[] = [
      { sequence: 8 },
      { idleSlots: 2 },
      { region: "us" },
      { adversary: "swaps the model" },
      { prices: { ...offer.prices, inputPerMillion: microUsd(1) } },
    ];
    for (const change of changes) {
      expect(offerSigningBytes({ ...offer, ...change }), JSON.stringify(Object.keys(change))).not.toEqual(
        offerSigningBytes(offer),
      );
    }
  });

  it.each([
    ["an unknown field", { ...wire, bonus: 1 }],
    ["a price that is a number", { ...wire, prices: { ...wire.prices, inputPerMillion: 5 } }],
    ["a negative price", { ...wire, prices: { ...wire.prices, inputPerMillion: "-5" } }],
    ["more idle slots than slots", { ...wire, idleSlots: 5 }],
    ["an end before its beginning", { ...wire, expiresAt: wire.issuedAt }],
    ["a life of more than an hour", { ...wire, expiresAt: wire.issuedAt + MAX_OFFER_LIFETIME_MS + 1 }],
    ["another version", { ...wire, v: 2 }],
    ["a class id of the wrong length", { ...wire, classId: "0x11" }],
    ["an unknown proof level", { ...wire, proofLevel: "trust me" }],
  ])("is refused with %s", (_what, value) => {
    expect(offerSchema.safeParse(value).success).toBe(false);
  });
});

describe("an offer that shows its runtime class", () => {
  const word = `0x${"22".repeat(32)}` as const;
  const runtimeClass: RuntimeClass = {
    weights: word,
    quantisation: "q8_0",
    tokenizer: word,
    chatTemplate: word,
    engine: "test",
    backend: "cpu",
    flashAttention: false,
    keyCache: "f16",
    valueCache: "f16",
    microBatch: 32,
    sampler: "gumbel-hmac-sha256-top64/1",
  };
  const quote = { quote: "AAAA", nonce: word };
  const offerOf = (sampler: string, changes: object = {}) => {
    const parts = { ...runtimeClass, sampler };
    return offerSchema.safeParse({ ...wire, runtimeClass: parts, classId: classId(parts), ...changes });
  };

  it("is accepted at a level that the class can carry", () => {
    expect(offerOf(runtimeClass.sampler).success).toBe(true);
    expect(offerOf("none", { proofLevel: "greedy" }).success).toBe(true);
    expect(offerOf("tensor/1", { proofLevel: "replay" }).success).toBe(true);
    const attested = { proofLevel: "attested", attestation: { kind: "tdx", ...quote } };
    expect(offerOf(runtimeClass.sampler, attested).success).toBe(true);
  });

  it.each([
    ["an engine that samples by itself as seeded", "none", { proofLevel: "seeded" }],
    ["tokens as replay", runtimeClass.sampler, { proofLevel: "replay" }],
    ["tensors as seeded", "tensor/1", { proofLevel: "seeded" }],
    ["another class than it names", runtimeClass.sampler, { classId: word }],
    ["attestation without a quote", runtimeClass.sampler, { proofLevel: "attested" }],
    [
      "a simulator's quote as attested",
      runtimeClass.sampler,
      { proofLevel: "attested", attestation: { kind: "SIMULATED", ...quote } },
    ],
    ["a quote below attested", runtimeClass.sampler, { attestation: { kind: "tdx", ...quote } }],
    [
      "an attested engine that nobody can compute again",
      "none",
      { proofLevel: "attested", attestation: { kind: "tdx", ...quote } },
    ],
  ])("is refused when it offers %s", (_what, sampler, changes) => {
    expect(offerOf(sampler, changes).success).toBe(false);
  });
});
