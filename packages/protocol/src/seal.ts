import { gcm } from "@noble/ciphers/aes.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, fromHex, type Hex, toHex, uintBytes } from "./bytes.ts";
import { DepinferError } from "./errors.ts";
import { keccak, utf8 } from "./hashing.ts";

/*
 * Bytes for a few readers and nobody else: one ciphertext, its key wrapped for each reader's X25519 key (RFC 7748) by
 * HKDF-SHA256 (RFC 5869) and AES-256-GCM.
 *
 *   u8 1 | ephemeral key 32 | commitment 32 | u8 n | n × (reader's key 32 | wrapped key 48) | ciphertext, tag of 16 last
 *
 *   wrap(reader) = HKDF(X25519(ephemeral, reader), salt = ephemeral ‖ reader, "depinfer/seal/1/wrap")
 *   commitment   = HKDF(content key, "depinfer/seal/1/commitment")
 *   associated   = keccak("depinfer/seal/1" ‖ context) ‖ everything before the ciphertext
 *
 * That is 82 + 80 n bytes more than the plaintext. Every key encrypts once, so nonces are 0. GCM alone does not commit
 * to its key: without the commitment a sealer could give two readers keys under which one ciphertext says two things.
 * Nothing here hides who the readers are, nor authenticates the sealer.
 */

export interface SealingKey {
  readonly publicKey: Hex;
  /** 32 bytes, not to be shown. */
  readonly secretKey: Uint8Array;
}

/** Cryptographic randomness of the given number of bytes; this package has none of its own. */
export type RandomBytes = (length: number) => Uint8Array;

const VERSION = 1;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const FIXED_BYTES = 1 + KEY_BYTES + KEY_BYTES + 1;
const READER_BYTES = KEY_BYTES + KEY_BYTES + TAG_BYTES;
const MOST_READERS = 255;
const NONCE = new Uint8Array(12);

/** Bytes that sealing for `readers` readers adds. */
export function sealOverhead(readers: number): number {
  return FIXED_BYTES + READER_BYTES * readers + TAG_BYTES;
}

export function createSealingKey(randomBytes: RandomBytes): SealingKey {
  return sealingKeyOf(randomBytes(KEY_BYTES));
}

/** The key pair of a stored secret. */
export function sealingKeyOf(secretKey: Uint8Array): SealingKey {
  return { publicKey: toHex(x25519.getPublicKey(secretKey)), secretKey };
}

/** What a transcript is sealed for when a provider shows it to an auditor: this receipt, in this epoch. */
export function auditContext(digest: Hex, epoch: number): Uint8Array {
  return concatBytes(utf8("depinfer/audit/1"), fromHex(digest, 32), uintBytes(epoch, 8));
}

export interface SealOptions {
  /** Public keys of who may read, 1 to 255; one that stands there twice counts once. */
  readonly readers: readonly Hex[];
  /** What the bytes belong to. A reader that expects another context cannot open them. */
  readonly context: Uint8Array;
  readonly randomBytes: RandomBytes;
}

/** @throws DepinferError `seal.badReader` for a public key that is none, `seal.readers` for none or too many. */
export function seal(plaintext: Uint8Array, { readers, context, randomBytes }: SealOptions): Uint8Array {
  const unique = [...new Set(readers)];
  if (unique.length === 0 || unique.length > MOST_READERS) {
    throw new DepinferError({
      code: "seal.readers",
      message: `Bytes cannot be sealed for ${unique.length} readers`,
      remedy: `Name 1 to ${MOST_READERS} public keys`,
      metadata: { readers: unique.length },
    });
  }
  const ephemeral = createSealingKey(randomBytes);
  const ephemeralKey = fromHex(ephemeral.publicKey, KEY_BYTES);
  const contentKey = randomBytes(KEY_BYTES);
  const wraps = unique.map((reader) => {
    const publicKey = readerKey(reader);
    const key = wrapKey(agree(ephemeral.secretKey, publicKey, reader), ephemeralKey, publicKey);
    return concatBytes(publicKey, gcm(key, NONCE).encrypt(contentKey));
  });
  const head = concatBytes(
    Uint8Array.of(VERSION),
    ephemeralKey,
    commitmentTo(contentKey),
    Uint8Array.of(unique.length),
    ...wraps,
  );
  return concatBytes(head, gcm(contentKey, NONCE, associated(context, head)).encrypt(plaintext));
}

/**
 * The plaintext for one of its readers.
 *
 * @throws DepinferError `seal.malformed` when the bytes are no sealed message, `seal.notForYou` when the key is not
 * among the readers', `seal.broken` when anything was changed, sealed wrongly, or belongs to another context.
 */
export function openSealed(
  sealed: Uint8Array,
  { key, context }: { readonly key: SealingKey; readonly context: Uint8Array },
): Uint8Array {
  const { head, ephemeralKey, commitment, wrapped, ciphertext } = take(sealed, fromHex(key.publicKey, KEY_BYTES));
  try {
    const publicKey = fromHex(key.publicKey, KEY_BYTES);
    const shared = agree(key.secretKey, ephemeralKey, toHex(ephemeralKey));
    const contentKey = gcm(wrapKey(shared, ephemeralKey, publicKey), NONCE).decrypt(wrapped);
    if (!equal(commitmentTo(contentKey), commitment)) {
      throw new Error("the key is not the one that was committed to");
    }
    return gcm(contentKey, NONCE, associated(context, head)).decrypt(ciphertext);
  } catch (cause) {
    throw new DepinferError({
      code: "seal.broken",
      message: `${sealed.length} sealed bytes cannot be opened: they were changed, sealed wrongly, or belong to something else`,
      remedy: "Ask for them again; as they are they prove nothing",
      cause,
    });
  }
}

function take(sealed: Uint8Array, publicKey: Uint8Array) {
  const readers = sealed[FIXED_BYTES - 1] ?? 0;
  if (sealed[0] !== VERSION || readers === 0 || sealed.length < sealOverhead(readers)) {
    throw new DepinferError({
      code: "seal.malformed",
      message: `${sealed.length} bytes of version ${sealed[0] ?? "none"} for ${readers} readers are no sealed message`,
      remedy: "Encode it as `specs/09-audits.md` says",
      metadata: { length: sealed.length },
    });
  }
  const headLength = FIXED_BYTES + READER_BYTES * readers;
  const head = sealed.subarray(0, headLength);
  for (let at = FIXED_BYTES; at < headLength; at += READER_BYTES) {
    if (equal(head.subarray(at, at + KEY_BYTES), publicKey)) {
      return {
        head,
        ephemeralKey: head.subarray(1, 1 + KEY_BYTES),
        commitment: head.subarray(1 + KEY_BYTES, 1 + 2 * KEY_BYTES),
        wrapped: head.subarray(at + KEY_BYTES, at + READER_BYTES),
        ciphertext: sealed.subarray(headLength),
      };
    }
  }
  throw new DepinferError({
    code: "seal.notForYou",
    message: `The bytes are sealed for ${readers} readers, and ${toHex(publicKey)} is not among them`,
    remedy: "Open them with the sealing key that is registered on chain, or ask again after it was changed",
    metadata: { publicKey: toHex(publicKey) },
  });
}

function readerKey(reader: Hex): Uint8Array {
  try {
    return fromHex(reader, KEY_BYTES);
  } catch (cause) {
    throw badReader(reader, cause);
  }
}

/** The shared secret. Points of small order, which would make it known to everyone, are refused. */
function agree(secretKey: Uint8Array, publicKey: Uint8Array, name: string): Uint8Array {
  try {
    return x25519.getSharedSecret(secretKey, publicKey);
  } catch (cause) {
    throw badReader(name, cause);
  }
}

function badReader(reader: string, cause: unknown): DepinferError {
  return new DepinferError({
    code: "seal.badReader",
    message: `${JSON.stringify(reader.slice(0, 80))} is no X25519 public key to which anything can be sealed`,
    remedy: "The reader has to register another sealing key",
    metadata: { reader: reader.slice(0, 80) },
    cause,
  });
}

function wrapKey(shared: Uint8Array, ephemeralKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return hkdf(sha256, shared, concatBytes(ephemeralKey, publicKey), utf8("depinfer/seal/1/wrap"), KEY_BYTES);
}

function commitmentTo(contentKey: Uint8Array): Uint8Array {
  return hkdf(sha256, contentKey, undefined, utf8("depinfer/seal/1/commitment"), KEY_BYTES);
}

function associated(context: Uint8Array, head: Uint8Array): Uint8Array {
  return concatBytes(keccak(utf8("depinfer/seal/1"), context), head);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
