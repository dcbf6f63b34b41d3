import {
  encodeSignedOffer,
  fromHex,
  type Offer,
  offerSigningBytes,
  type SignedOffer,
  signedOfferSchema,
  toHex,
} from "@depinfer/protocol";
import { NetworkError } from "./errors.ts";
import { type NodeKey, peerIdOf, verifySignature } from "./node-key.ts";

/** How far in the future an offer may claim to be issued: clocks differ by this much, in ms. */
export const MAX_CLOCK_SKEW_MS = 60_000;

export type OfferFault = "badSignature" | "wrongPeer" | "expired" | "notYetValid";

/**
 * Signs an offer with the node key of the peer that it names.
 *
 * @throws NetworkError `network.wrongPeer` when it names another one.
 */
export function signOffer(offer: Offer, key: NodeKey): SignedOffer {
  if (offer.peerId !== key.peerId) {
    throw new NetworkError({
      code: "network.wrongPeer",
      message: `The offer is in the name of ${offer.peerId} and the key belongs to ${key.peerId}`,
      remedy: "Put the peer id of this node into its offers",
      metadata: { offered: offer.peerId, key: key.peerId },
    });
  }
  return { offer, publicKey: toHex(key.publicKey), signature: toHex(key.sign(offerSigningBytes(offer))) };
}

/**
 * What is wrong with a signed offer at the time `now` (ms since 1970), or undefined when it is valid. The cheap checks
 * come first: a flood of stale offers costs no signature check.
 */
export function verifyOffer(signed: SignedOffer, now: number): OfferFault | undefined {
  const { offer } = signed;
  if (offer.expiresAt <= now) {
    return "expired";
  }
  if (offer.issuedAt > now + MAX_CLOCK_SKEW_MS) {
    return "notYetValid";
  }
  const publicKey = fromHex(signed.publicKey, 32);
  if (peerIdOf(publicKey) !== offer.peerId) {
    return "wrongPeer";
  }
  return verifySignature(publicKey, offerSigningBytes(offer), fromHex(signed.signature, 64))
    ? undefined
    : "badSignature";
}

/** The signed offer in bytes from the wire; undefined when they are none, or not in their one canonical form. */
export function decodeSignedOffer(bytes: Uint8Array): SignedOffer | undefined {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined; // Not JSON: the caller counts it as malformed, like everything that fails the schema.
  }
  const parsed = signedOfferSchema.safeParse(json);
  if (!parsed.success || Buffer.compare(encodeSignedOffer(parsed.data), bytes) !== 0) {
    return undefined;
  }
  return parsed.data;
}
