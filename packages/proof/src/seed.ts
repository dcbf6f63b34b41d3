import { fromHex, type Hex, keccak, type RequestTerms, toHex, utf8 } from "@depinfer/protocol";

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
  /** Which of the answers to one body; with a seed of the app's it makes them differ. 0 when missing. */
  readonly choice?: number | undefined;
}

/** The 32-byte seed of one answer. */
export function deriveSeed(parts: SeedParts): Uint8Array {
  if (parts.userSeed !== null) {
    const choice = parts.choice === undefined || parts.choice === 0 ? "" : `${parts.choice}\n`;
    return keccak(utf8(`depinfer/seed/user/1\n${parts.userSeed}\n${choice}`), fromHex(parts.classId, 32));
  }
  return keccak(
    utf8("depinfer/seed/1\n"),
    fromHex(parts.buyerNonce, 32),
    fromHex(parts.providerNonce, 32),
    fromHex(parts.requestId, 32),
    fromHex(parts.classId, 32),
  );
}

/**
 * The seed of what is asked for under these terms. An answer that is gone on with keeps the seed that it was begun with.
 *
 * @param providerNonce of the provider that answers under these terms.
 */
export function seedOfAnswer(
  terms: Pick<RequestTerms, "requestId" | "classId" | "buyerNonce" | "choice" | "resume">,
  providerNonce: Hex,
  userSeed: number | null,
): Uint8Array {
  const { requestId, buyerNonce, choice, providerNonce: nonce } = terms.resume ?? { ...terms, providerNonce };
  return deriveSeed({ requestId, buyerNonce, providerNonce: nonce, classId: terms.classId, userSeed, choice });
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
