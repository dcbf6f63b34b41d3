import { fromHex, type Hex, keccak, toHex, utf8 } from "@depinfer/protocol";

/*
 * Where randomness comes from. Neither side may choose it: the buyer fixes its nonce before it sees the provider's,
 * and the provider has committed to its nonces before it sees the request.
 */

export interface SeedParts {
  readonly buyerNonce: Hex;
  readonly providerNonce: Hex;
  readonly requestId: Hex;
  readonly classId: Hex;
  /** The app's `seed` parameter, or null. With one the answer is repeatable, by any provider of the class. */
  readonly userSeed: number | null;
}

/** The 32-byte seed of one answer. */
export function deriveSeed(parts: SeedParts): Uint8Array {
  if (parts.userSeed !== null) {
    return keccak(utf8(`depinfer/seed/user/1\n${parts.userSeed}\n`), fromHex(parts.classId, 32));
  }
  return keccak(
    utf8("depinfer/seed/1\n"),
    fromHex(parts.buyerNonce, 32),
    fromHex(parts.providerNonce, 32),
    fromHex(parts.requestId, 32),
    fromHex(parts.classId, 32),
  );
}

/** What a receipt says of the seed, so that the receipt alone does not reveal the randomness. */
export function seedCommitment(seed: Uint8Array): Hex {
  return toHex(keccak(utf8("depinfer/seed-commitment/1\n"), seed));
}

/**
 * A reverse hash chain: `head` is published first, then each nonce is the preimage of the one before it.
 * Holds 32 bytes a nonce.
 */
export interface NonceChain {
  readonly head: Hex;
  /** The next nonce, or null when the chain is used up and a new head must be announced. */
  next(): Hex | null;
}

/** @param secret 32 random bytes that only the provider knows. */
export function createNonceChain(secret: Uint8Array, length: number): NonceChain {
  const nonces: Uint8Array[] = [keccak(utf8("depinfer/nonce/1\n"), secret)];
  for (let i = 1; i <= length; i++) {
    nonces.push(keccak(nonces[i - 1] ?? secret));
  }
  const head = toHex(nonces.pop() ?? secret);
  return {
    head,
    next() {
      const nonce = nonces.pop();
      return nonce === undefined ? null : toHex(nonce);
    },
  };
}

/** Whether `nonce` is the preimage of `previous`, which is the head or the nonce before it. */
export function followsInChain(nonce: Hex, previous: Hex): boolean {
  return toHex(keccak(fromHex(nonce, 32))) === previous;
}
