import type { Hex } from "./bytes.ts";
import { addressWord, uintWord } from "./eip712.ts";
import { keccak } from "./hashing.ts";

/** A provider's part of what the passes of one tier left unused in one period. */
export interface PassShareClaim {
  readonly tierId: bigint;
  readonly period: bigint;
  readonly provider: Hex;
  /** Units of six decimals. */
  readonly amount: bigint;
}

/**
 * The share as a leaf of the tree whose root the tier's issuer posts: the hash of the hash of its four words, so that no
 * inner node can pass for a leaf.
 */
export function passShareLeaf({ tierId, period, provider, amount }: PassShareClaim): Uint8Array {
  return keccak(keccak(uintWord(tierId), uintWord(period), addressWord(provider), uintWord(amount)));
}
