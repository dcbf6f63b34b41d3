import { fromHex, type Hex, keccak, toHex } from "@depinfer/protocol";
import { secp256k1 } from "@noble/curves/secp256k1.js";

/** Half of the curve's order; a larger s has a twin that says the same, and contracts refuse it. */
const HALF_ORDER = secp256k1.Point.Fn.ORDER >> 1n;

/**
 * The account whose key made `signature` over a 32-byte digest, in lower case, or null where no key did in the one form
 * that counts: 65 bytes with v 27 or 28 and a low s.
 */
export function recoverAccount(digest: Uint8Array, signature: Hex): Hex | null {
  if (!/^0x[0-9a-f]{130}$/.test(signature)) {
    return null;
  }
  const bytes = fromHex(signature, 65);
  const v = bytes[64];
  if ((v !== 27 && v !== 28) || BigInt(toHex(bytes.subarray(32, 64))) > HALF_ORDER) {
    return null;
  }
  try {
    const point = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), "compact")
      .addRecoveryBit(v - 27)
      .recoverPublicKey(digest);
    return toHex(keccak(point.toBytes(false).subarray(1)).subarray(12));
  } catch {
    return null;
  }
}
