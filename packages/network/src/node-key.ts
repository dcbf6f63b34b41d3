import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { privateKeyFromRaw, publicKeyFromRaw } from "@libp2p/crypto/keys";
import type { PrivateKey } from "@libp2p/interface";
import { peerIdFromPublicKey } from "@libp2p/peer-id";
import { NetworkError } from "./errors.ts";

/** DER around a raw Ed25519 seed (PKCS #8) and a raw public key (SPKI), RFC 8410. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** The Ed25519 identity of a node. The private half stays in here. */
export interface NodeKey {
  readonly peerId: string;
  /** 32 raw bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
  /** The key as libp2p wants it. */
  readonly libp2pKey: PrivateKey;
}

/**
 * The node key that grows from a 32-byte seed; the same seed is the same node for ever.
 *
 * @throws NetworkError `network.badSeed`
 */
export function createNodeKey(seed: Uint8Array): NodeKey {
  if (seed.length !== 32) {
    throw new NetworkError({
      code: "network.badSeed",
      message: `The seed of a node key has 32 bytes, not ${seed.length}`,
      remedy: "Pass 32 random bytes and keep them",
      metadata: { length: seed.length },
    });
  }
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const publicKey = new Uint8Array(spki.subarray(SPKI_PREFIX.length));
  return {
    peerId: peerIdOf(publicKey),
    publicKey,
    sign: (message) => sign(null, message, privateKey),
    // libp2p keeps an Ed25519 key as seed and public key in a row.
    libp2pKey: privateKeyFromRaw(Buffer.concat([seed, publicKey])),
  };
}

/** The peer id of a raw Ed25519 public key. */
export function peerIdOf(publicKey: Uint8Array): string {
  return peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString();
}

/** True when `signature` over `message` was made with the private half of `publicKey`. Never throws. */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" });
  } catch {
    return false; // Not a point on the curve: nobody can have signed with it.
  }
  return verify(null, message, key, signature);
}
