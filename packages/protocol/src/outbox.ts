import type { Hex } from "./bytes.ts";

/** A transaction that was announced, or is about to be, and whose end nobody has seen. */
export interface PendingTransaction {
  /** Who sent it. */
  readonly account: Hex;
  readonly chainId: number;
  readonly nonce: number;
  readonly hash: Hex;
  /** Signed, as it is announced. */
  readonly raw: Hex;
  /** What it does, for messages: `channels.topUp`. */
  readonly action: string;
}

/**
 * Remembers transactions from before their announcement until their end, so that a process that died finds them again
 * instead of sending the same money twice. Several versions of one nonce may stand in it; one of them at most is mined.
 */
export interface Outbox {
  /** Resolves when it is on disk. */
  save(transaction: PendingTransaction): Promise<void>;
  /** A version that the chain refused. */
  drop(hash: Hex): Promise<void>;
  /** Every version of a nonce that is used up. */
  forget(account: Hex, chainId: number, nonce: number): Promise<void>;
  /** By nonce, and within one in the order in which they were saved. */
  pending(account: Hex, chainId: number): readonly PendingTransaction[];
}
