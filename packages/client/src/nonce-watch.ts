import { DepinferError, fromHex, type Hex, keccak, toHex } from "@depinfer/protocol";

/** What one request expects of the nonce in its ACCEPT. */
export interface ExpectedNonce {
  /** @throws DepinferError `provider.badNonce` unless the nonce continues the chain announced before the request. */
  check(nonce: Hex): void;
  /** The provider refused the request, so it revealed no nonce for it. */
  refused(): void;
}

/** Follows the reverse hash chain of nonces that a provider reveals on one link. */
export interface NonceWatch {
  /** @param head the chain's head as the provider announced it last. */
  expect(head: Hex | undefined): ExpectedNonce;
}

/**
 * Most nonces that may be missing between two that were seen. A request that is given up before its ACCEPT leaves a gap;
 * each nonce that a provider may skip is one more that it may choose from, so only those gaps are allowed.
 */
const MOST_MISSING = 64;

export function createNonceWatch(): NonceWatch {
  let last: Hex | undefined;
  /** The head from which `last` descends: it is behind us, and must not be started from again. */
  let spent: Hex | undefined;
  let unseen = 0;

  return {
    expect(head) {
      unseen += 1;
      return {
        check(nonce) {
          let hash = fromHex(nonce, 32);
          for (let steps = 1; steps <= Math.min(unseen, MOST_MISSING); steps++) {
            hash = keccak(hash);
            const ancestor = toHex(hash);
            const startsChain = head !== undefined && ancestor === head && head !== spent;
            if (ancestor === last || startsChain) {
              last = nonce;
              spent = startsChain ? head : spent;
              unseen -= steps;
              return;
            }
          }
          throw new DepinferError({
            code: "provider.badNonce",
            message: `The provider's nonce ${nonce} does not continue the chain that it announced`,
            remedy: "Ask another provider; this one may be choosing its randomness",
            retryable: true,
          });
        },
        refused() {
          unseen = Math.max(0, unseen - 1);
        },
      };
    },
  };
}
