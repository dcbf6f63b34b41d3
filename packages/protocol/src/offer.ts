import { z } from "zod";
import { addressSchema, bytes32Schema, hexSchema } from "./bytes.ts";
import { FEATURES, featureSchema } from "./features.ts";
import { canonicalJson, utf8 } from "./hashing.ts";
import { pricesSchema } from "./money.ts";
import { ownershipSchema } from "./ownership.ts";
import { levelFault, type ProofLevel, proofLevelSchema } from "./proof-level.ts";
import { classId, type RuntimeClass, runtimeClassSchema } from "./runtime-class.ts";

/** Signed offers above this size are refused unread: an offer is an advertisement, not a place to store data. */
export const MAX_OFFER_BYTES = 16 * 1024;

/** Longest life of an offer in ms. Short, so that a provider that vanished is forgotten soon without anyone's help. */
export const MAX_OFFER_LIFETIME_MS = 60 * 60 * 1000;

/** What is signed starts with this, so that no other signature of a node key can pass for an offer. */
const SIGNING_DOMAIN = "depinfer:offer:v1\n";

const milliseconds = z.int().min(0);

/** A quote as offers carry it: about 5 KiB, so that it fits beside the rest. Its collateral comes from elsewhere. */
export const attestationSchema = z.strictObject({
  /** Quotes of a simulator are another kind under another name, and cannot be relabelled: the signature is another. */
  kind: z.enum(["tdx", "SIMULATED"]),
  quote: z.base64().max(10_000),
  /** What makes the quote's report data fresh. */
  nonce: bytes32Schema,
});
export type OfferedAttestation = z.output<typeof attestationSchema>;

const ATTESTATION_KINDS: Partial<Record<ProofLevel, OfferedAttestation["kind"]>> = {
  attested: "tdx",
  "attested-SIMULATED": "SIMULATED",
};

/**
 * A provider's public promise to serve one runtime class at these prices until it expires.
 * On the wire prices are decimal strings of the smallest unit; parsed they are `MicroUsd`.
 */
export const offerSchema = z
  .strictObject({
    v: z.literal(1),
    /** libp2p id of the node, which signs the offer. */
    peerId: z.string().min(1).max(128),
    /** Multiaddrs under which the node says it can be dialled. */
    addresses: z.array(z.string().min(1).max(512)).max(32),
    /** Account that is paid. */
    provider: addressSchema,
    /** Account whose key signs the receipts. */
    receiptKey: addressSchema,
    /** Name that buyers ask for. */
    model: z.string().min(1).max(256),
    classId: bytes32Schema,
    proofLevel: proofLevelSchema,
    /** The parts behind `classId`. A buyer that demands a level of proof takes no offer that hides them. */
    runtimeClass: runtimeClassSchema.optional(),
    /** The quote of an attested engine; see `specs/08-proof-levels.md`. */
    attestation: attestationSchema.optional(),
    prices: pricesSchema,
    /** Tokens that prompt and answer may have together. */
    contextLength: z.int().min(1).max(0xffff_ffff),
    /** Requests served at once, and how many of those places were free when the offer was signed. */
    slots: z.int().min(0).max(1_000_000),
    idleSlots: z.int().min(0).max(1_000_000),
    /** What the engine honours beyond plain answers; none when missing. */
    features: z.array(featureSchema).max(FEATURES.length).optional(),
    /** Declared, never proven. */
    region: z.string().max(64),
    /** The owner's word that the provider is theirs; see `ownership.ts`. */
    ownership: ownershipSchema.optional(),
    /** Grows with every offer of a peer; of two offers for one class the higher one stands. */
    sequence: z.int().min(0),
    issuedAt: milliseconds,
    expiresAt: milliseconds,
    /** Set only by the adversaries of tests and demonstrations, so that they can be told apart from honest nodes. */
    adversary: z.string().min(1).max(64).optional(),
  })
  .refine((offer) => offer.idleSlots <= offer.slots, "idleSlots exceeds slots")
  .refine((offer) => offer.expiresAt > offer.issuedAt, "expiresAt is not after issuedAt")
  .refine((offer) => offer.expiresAt - offer.issuedAt <= MAX_OFFER_LIFETIME_MS, "the offer lives longer than an hour")
  .superRefine((offer, context) => {
    const fault = offerLevelFault(offer);
    if (fault !== undefined) {
      context.addIssue({ code: "custom", message: fault, path: ["proofLevel"] });
    }
  });
export type Offer = z.output<typeof offerSchema>;

/** An offer with the Ed25519 key and signature of the node that makes it. */
export const signedOfferSchema = z.strictObject({
  offer: offerSchema,
  /** 32 raw bytes. */
  publicKey: bytes32Schema,
  /** 64 raw bytes over `offerSigningBytes(offer)`. */
  signature: hexSchema.refine((text) => text.length === 2 + 2 * 64, "expected 64 bytes"),
});
export type SignedOffer = z.output<typeof signedOfferSchema>;

/** Why an offer contradicts its own level, or undefined. */
function offerLevelFault({
  classId: id,
  proofLevel,
  runtimeClass,
  attestation,
}: {
  readonly classId: string;
  readonly proofLevel: ProofLevel;
  readonly runtimeClass?: RuntimeClass | undefined;
  readonly attestation?: OfferedAttestation | undefined;
}): string | undefined {
  if (runtimeClass !== undefined && classId(runtimeClass) !== id) {
    return `the runtime class hashes to ${classId(runtimeClass)}, not to ${id}`;
  }
  const kind = ATTESTATION_KINDS[proofLevel];
  if (attestation?.kind !== kind) {
    return `an offer of level ${proofLevel} has ${kind ?? "no"} attestation, this one has ${attestation?.kind ?? "none"}`;
  }
  const fault = runtimeClass === undefined ? undefined : levelFault(proofLevel, runtimeClass);
  return fault === undefined ? undefined : `the class ${fault}`;
}

/** The bytes a node signs: the domain, then canonical JSON with prices as decimal strings. */
export function offerSigningBytes(offer: Offer): Uint8Array {
  return utf8(SIGNING_DOMAIN + canonicalJson(toWire(offer)));
}

/**
 * A signed offer as it travels in gossip and OFFER frames: canonical JSON. Equal offers have equal bytes, so that
 * gossip knows them for one message and nobody can make a thousand messages of one offer by adding white space.
 */
export function encodeSignedOffer(signed: SignedOffer): Uint8Array {
  return utf8(canonicalJson({ ...signed, offer: toWire(signed.offer) }));
}

/** The offer with prices as decimal strings. */
function toWire(offer: Offer) {
  const { inputPerMillion, cachedInputPerMillion, outputPerMillion } = offer.prices;
  return {
    ...offer,
    prices: {
      inputPerMillion: inputPerMillion.toString(),
      cachedInputPerMillion: cachedInputPerMillion.toString(),
      outputPerMillion: outputPerMillion.toString(),
    },
  };
}
