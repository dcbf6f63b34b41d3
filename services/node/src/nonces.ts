import { randomBytes } from "node:crypto";
import { createNonceChain, type NonceChain } from "@depinfer/proof";
import type { Hex } from "@depinfer/protocol";

/** Nonces in a chain, 32 bytes each. */
const CHAIN_LENGTH = 2048;
/**
 * The next chain is announced while this many nonces are left: a buyer takes only a nonce whose chain it knew before it
 * sent its request, and that many requests may be under way.
 */
const ANNOUNCE_AT = 1024;
/** Peers whose chains are kept, 64 KiB each; beyond it the one that was quiet longest starts anew. */
const MOST_PEERS = 1_000;

/**
 * One reverse hash chain of nonces for each peer. The head goes out in HELLO, before any request, so that the provider
 * cannot choose a nonce after it has seen the prompt.
 */
export interface NonceBook {
  /** What the next nonce for a peer will hash to. A second link to the same peer continues its chain. */
  headFor(peerId: string): Hex;
  /** The next nonce for a peer; `announce` is a new head to tell it at once, for when this chain is used up. */
  next(peerId: string): { readonly nonce: Hex; readonly announce: Hex | null };
}

interface PeerChain {
  chain: NonceChain;
  /** The last nonce that was revealed, or the head. */
  last: Hex;
  left: number;
  following: NonceChain | null;
}

export function createNonceBook(length = CHAIN_LENGTH): NonceBook {
  const peers = new Map<string, PeerChain>();
  const fresh = () => createNonceChain(randomBytes(32), length);

  function start(): PeerChain {
    const chain = fresh();
    return { chain, last: chain.head, left: length, following: null };
  }

  function chainOf(peerId: string): PeerChain {
    const entry = peers.get(peerId) ?? start();
    // The order of a Map is that of insertion: the peer that was quiet longest comes first.
    peers.delete(peerId);
    peers.set(peerId, entry);
    for (const oldest of peers.keys()) {
      if (peers.size <= MOST_PEERS) {
        break;
      }
      peers.delete(oldest);
    }
    return entry;
  }

  return {
    headFor(peerId) {
      const entry = chainOf(peerId);
      // A chain that was announced on another link is not known on this one; it is announced again when it is near.
      entry.following = null;
      return entry.last;
    },
    next(peerId) {
      const known = peers.has(peerId);
      const entry = chainOf(peerId);
      if (entry.left === 0) {
        entry.chain = entry.following ?? fresh();
        entry.left = length;
        entry.following = null;
      }
      const nonce = entry.chain.next() ?? entry.chain.head;
      entry.last = nonce;
      entry.left -= 1;
      if (entry.following === null && entry.left <= Math.min(ANNOUNCE_AT, length - 1)) {
        entry.following = fresh();
        return { nonce, announce: entry.following.head };
      }
      return { nonce, announce: known ? null : entry.chain.head };
    },
  };
}
