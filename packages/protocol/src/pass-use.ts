import { fromHex, type Hex } from "./bytes.ts";
import { addressWord, type DomainBinding, typedDataDigest, typeHash, uintWord } from "./eip712.ts";

/*
 * How the holder of a pass lets a gateway take the money for a key's requests from it. The pass names the gateway on
 * chain; which of the gateway's keys may use it is nobody's business but the holder's, so he signs that, and no
 * transaction is needed.
 */

/** EIP-712 types of the message, for wallets; the domain is `passUseDomain`. */
export const PASS_USE_TYPES = {
  UsePass: [
    { name: "pass", type: "uint256" },
    { name: "keyHash", type: "bytes32" },
    { name: "operator", type: "address" },
  ],
} as const;

const USE_PASS_TYPEHASH = typeHash("UsePass(uint256 pass,bytes32 keyHash,address operator)");

export interface PassUseMessage {
  /** Id of the pass. */
  readonly pass: bigint;
  /** SHA-256 of the API key's text: the gateway keeps no more of it, and a signature for one key is none for another. */
  readonly keyHash: Hex;
  /** The gateway's wallet, as the pass names it. */
  readonly operator: Hex;
}

/** @param binding `verifyingContract` is Passes. */
export function passUseDomain(binding: DomainBinding) {
  return { name: "Depinfer", version: "1", ...binding };
}

/** The digest that the holder signs. */
export function passUseDigest({ pass, keyHash, operator }: PassUseMessage, binding: DomainBinding): Uint8Array {
  return typedDataDigest(passUseDomain(binding), [
    USE_PASS_TYPEHASH,
    uintWord(pass),
    fromHex(keyHash, 32),
    addressWord(operator),
  ]);
}
