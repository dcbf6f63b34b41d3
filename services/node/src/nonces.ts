import { randomBytes } from "node:crypto";
import { createNonceChain, type NonceChain } from "@depinfer/proof";
import type { Hex } from "@depinfer/protocol";

/** Requests until a new head has to be announced; 32 KiB a peer. */
const CHAIN_LENGTH = 1024;

/**
 * One reverse hash chain of nonces for each peer. The head goes out in HELLO, before any request, so that the provider
 * cannot choose a nonce after it has seen the prompt.
 */
export interface NonceBook {
  /** Starts a chain for a peer and returns its head. */
  headFor(peerId: string): Hex;
  /** The next nonce for a peer; `renewed` is the new head to announce first when the old chain was used up. */
  next(peerId: string): { readonly nonce: Hex; readonly renewed: Hex | null };
}

export function createNonceBook(length = CHAIN_LENGTH): NonceBook {
  const chains = new Map<string, NonceChain>();

  function start(peerId: string): NonceChain {
    const chain = createNonceChain(randomBytes(32), length);
    chains.set(peerId, chain);
    return chain;
  }

  return {
    headFor: (peerId) => start(peerId).head,
    next(peerId) {
      const nonce = chains.get(peerId)?.next();
      if (nonce !== undefined && nonce !== null) {
        return { nonce, renewed: null };
      }
      const chain = start(peerId);
      return { nonce: chain.next() ?? chain.head, renewed: chain.head };
    },
  };
}
