import { setTimeout as sleep } from "node:timers/promises";
import { errorCode, errorMessage, type Hex } from "@depinfer/protocol";
import { TransactionNotFoundError, type TransactionReceipt, TransactionReceiptNotFoundError } from "viem";
import type { Rpc } from "./rpc.ts";

/** Receipts are polled, first after 20 ms and then ever more slowly up to once a second. */
const FIRST_POLL_MS = 20;
const SLOWEST_POLL_MS = 1_000;

/** Hands a signed transaction to the chain. One that the chain has already is no error. */
export async function announce(rpc: Rpc, action: string, raw: Hex): Promise<void> {
  try {
    await rpc.ask(action, (client) => client.sendRawTransaction({ serializedTransaction: raw }));
  } catch (error) {
    if (!isAlreadyKnown(error)) {
      throw error;
    }
  }
}

/** The receipt of one of several transactions, or why there is none yet. */
export interface Waited {
  readonly receipt?: TransactionReceipt;
  /** What the chain could not be reached for at the end, if it could not. */
  readonly unreachable?: unknown;
}

/** Waits until one of the transactions is mined, at most until `deadline` (by `Date.now`). */
export async function waitForAny(rpc: Rpc, action: string, hashes: readonly Hex[], deadline: number): Promise<Waited> {
  let unreachable: unknown;
  for (let pause = FIRST_POLL_MS; ; pause = Math.min(2 * pause, SLOWEST_POLL_MS)) {
    try {
      // The newest first: it is the likeliest.
      for (const hash of hashes.toReversed()) {
        const receipt = await rpc.ask(action, (client) =>
          unlessMissing(() => client.getTransactionReceipt({ hash }), TransactionReceiptNotFoundError),
        );
        if (receipt !== undefined) {
          return { receipt };
        }
      }
      unreachable = undefined;
    } catch (error) {
      // The transaction is out; a chain that is away for a moment is no reason to lose sight of it.
      if (errorCode(error) !== "chain.unreachable") {
        throw error;
      }
      unreachable = error;
    }
    if (Date.now() + pause > deadline) {
      return { unreachable };
    }
    await sleep(pause);
  }
}

/** Whether the chain still has the transaction, mined or waiting. */
export async function isKnown(rpc: Rpc, action: string, hash: Hex): Promise<boolean> {
  const found = await rpc.ask(action, (client) =>
    unlessMissing(() => client.getTransaction({ hash }), TransactionNotFoundError),
  );
  return found !== undefined;
}

/** Endpoints have no common code for these; the words are those of geth, reth and anvil. */
export function isNonceError(error: unknown): boolean {
  return /nonce too low|nonce is too low|replacement transaction underpriced|invalid nonce/i.test(errorMessage(error));
}

/** The same bytes arrived before, as when an answer was lost and the request repeated: that is success. */
function isAlreadyKnown(error: unknown): boolean {
  return /already known|already imported/i.test(errorMessage(error));
}

async function unlessMissing<Found>(
  read: () => Promise<Found>,
  missing: new (...args: never[]) => Error,
): Promise<Found | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof missing) {
      return undefined;
    }
    throw error;
  }
}
