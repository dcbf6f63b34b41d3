import { fromHex, type Hex, keccak, toHex } from "@depinfer/protocol";
import { secp256k1 } from "@noble/curves/secp256k1.js";

/** A larger s has a twin that says the same; contracts refuse it. */
const HALF_ORDER = secp256k1.Point.CURVE().n / 2n;

/**
 * The account whose key made a signature of 65 bytes (r, s, v) over a digest, or null where no key could have: v other
 * than 27 or 28, s in the upper half, no point.
 */
export function recoverAccount(digest: Uint8Array, signature: Hex): Hex | null {
  try {
    const bytes = fromHex(signature, 65);
    const v = bytes[64];
    const found = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), "compact");
    if ((v !== 27 && v !== 28) || found.s > HALF_ORDER) {
      return null;
    }
    const key = found
      .addRecoveryBit(v - 27)
      .recoverPublicKey(digest)
      .toBytes(false);
    return toHex(keccak(key.subarray(1)).subarray(12));
  } catch {
    // Bytes that are no signature are nobody's.
    return null;
  }
}
