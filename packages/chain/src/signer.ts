import { fromHex, type Hex, toHex } from "@depinfer/protocol";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { ChainError } from "./errors.ts";
import { nativeSecp256k1, portableSecp256k1, type Secp256k1, wasmSecp256k1 } from "./secp256k1.ts";

/** Signs 32-byte digests with one secp256k1 key. The key stays inside; nothing prints it. */
export interface Signer {
  /** The key's account, in lower case. */
  readonly address: Hex;
  /** A 65-byte signature `r || s || v`, v being 27 or 28 and s in the lower half of the group order. */
  sign(digest: Uint8Array): Hex;
}

/** Half the order of the group: a signature with a larger s has a twin, and is refused. SEC 2, section 2.4.1. */
const HALF_ORDER = fromHex("0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
/** `r || s || v`. */
const SIGNATURE_BYTES = 65;

const curve: Secp256k1 = nativeSecp256k1() ?? wasmSecp256k1() ?? portableSecp256k1();

/** Which implementation this process signs with; each is several times slower than the one before. `depinfer doctor` says which. */
export const signerImplementation: Secp256k1["name"] = curve.name;

/**
 * A signer for `privateKey`.
 *
 * @throws ChainError `signer.badKey` when it is not 32 bytes, or zero, or not below the group order. The message never
 * holds the key.
 */
export function createSigner(privateKey: Hex, { secp256k1 = curve }: { readonly secp256k1?: Secp256k1 } = {}): Signer {
  const key = keyBytes(privateKey, secp256k1);
  return {
    address: addressOf(secp256k1.publicKeyOf(key)),
    sign(digest) {
      checkDigest(digest);
      const { signature, recovery } = secp256k1.sign(digest, key);
      return `${toHex(signature)}${recovery === 0 ? "1b" : "1c"}`;
    },
  };
}

/**
 * The account whose key made `signature`, in lower case.
 *
 * @throws ChainError `signer.badSignature` unless it is 65 bytes with v 27 or 28 and a low s, and recovers to a key:
 * every signature has exactly one form here, so that a stored one can be compared byte by byte.
 */
export function recoverAddress(
  digest: Uint8Array,
  signature: Hex,
  { secp256k1 = curve }: { readonly secp256k1?: Secp256k1 } = {},
): Hex {
  checkDigest(digest);
  const bytes = signatureBytes(signature);
  const v = bytes[64];
  if (v !== 27 && v !== 28) {
    throw badSignature(`its last byte is ${v}, not 27 or 28`);
  }
  if (isAbove(bytes.subarray(32, 64), HALF_ORDER)) {
    throw badSignature("its s is in the upper half of the group order");
  }
  try {
    return addressOf(secp256k1.recover(digest, bytes.subarray(0, 64), v - 27));
  } catch (cause) {
    throw badSignature("no key could have made it", cause);
  }
}

function keyBytes(privateKey: Hex, secp256k1: Secp256k1): Uint8Array {
  if (/^0x[0-9a-fA-F]{64}$/.test(privateKey)) {
    const key = fromHex(privateKey, 32);
    if (secp256k1.isPrivateKey(key)) {
      return key;
    }
  }
  throw new ChainError({
    code: "signer.badKey",
    message: "The private key is not a secp256k1 key",
    remedy: "Pass 0x and 64 hexadecimal digits, not all zero and below the order of the group",
  });
}

function checkDigest(digest: Uint8Array): void {
  if (digest.length !== 32) {
    throw new ChainError({
      code: "signer.badDigest",
      message: `A digest has 32 bytes, got ${digest.length}`,
      remedy: "Sign the EIP-712 digest, not the message",
      metadata: { length: digest.length },
    });
  }
}

function signatureBytes(signature: Hex): Uint8Array {
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature)) {
    throw badSignature(`it is not 0x and ${2 * SIGNATURE_BYTES} digits`);
  }
  return fromHex(signature, SIGNATURE_BYTES);
}

function badSignature(reason: string, cause?: unknown): ChainError {
  return new ChainError({
    code: "signer.badSignature",
    message: `The signature is refused: ${reason}`,
    remedy: "Send r, s and v in 65 bytes as createSigner makes them",
    metadata: { reason },
    cause,
  });
}

/** The last 20 bytes of the hash of the public key's coordinates. */
function addressOf(publicKey: Uint8Array): Hex {
  return toHex(keccak_256(publicKey.subarray(1)).subarray(12));
}

/** Compares big-endian numbers of equal length. */
function isAbove(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) {
      return difference > 0;
    }
  }
  return false;
}
