import { setTimeout as sleep } from "node:timers/promises";
import { errorCode, errorMessage, type Hex } from "@depinfer/protocol";
import {
  keccak256,
  parseSignature,
  serializeTransaction,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
  type TransactionSerializableEIP1559,
} from "viem";
import { noAccount, receiptTimeout } from "./errors.ts";
import { revertError } from "./revert.ts";
import type { Rpc } from "./rpc.ts";
import type { Signer } from "./signer.ts";

/** What every write returns once it is mined. */
export interface WriteResult {
  readonly hash: Hex;
  readonly gasUsed: bigint;
  readonly blockNumber: bigint;
}

export interface Transaction {
  /** Absent to create a contract. */
  readonly to?: Hex;
  readonly data: Hex;
  /** Wei sent along. */
  readonly value?: bigint;
  /** What it does, for messages: `channels.open`. */
  readonly action: string;
}

/** Sends transactions of one account and waits until they are mined. */
export interface Writer {
  /** The account that sends; throws `chain.noAccount` when there is none. */
  account(action: string): Signer;
  send(transaction: Transaction): Promise<WriteResult>;
  /** The same, with everything the receipt holds. */
  sendForReceipt(transaction: Transaction): Promise<TransactionReceipt>;
}

export interface WriterOptions {
  /** Longest wait for a transaction to be mined. */
  readonly receiptTimeoutMs?: number;
}

/**
 * Gas beyond the estimate: what others do in between may make a call much dearer. The registry's set of operators, for
 * example, writes six slots more when it grows from three members to four. Gas that is not used is not paid.
 */
const GAS_MARGIN_PERCENT = 100n;
const GAS_MARGIN = 100_000n;
/** Receipts are polled, first after 20 ms and then ever more slowly up to once a second. */
const FIRST_POLL_MS = 20;
const SLOWEST_POLL_MS = 1_000;

/**
 * Two sends of one account must not read the same nonce. Every writer of this process that uses the account at the same
 * endpoint waits in one line; the nonce is read anew each time, since a local chain that was killed can go back.
 */
const lines = new Map<string, Promise<unknown>>();

function inLine<T>(key: string, task: () => Promise<T>): Promise<T> {
  const before = lines.get(key) ?? Promise.resolve();
  const mine = before.then(task, task);
  lines.set(key, mine);
  const leave = () => {
    if (lines.get(key) === mine) {
      lines.delete(key);
    }
  };
  mine.then(leave, leave);
  return mine;
}

/** A writer for `account` on chain `chainId`. */
export function createWriter(
  { rpc, account, chainId }: { readonly rpc: Rpc; readonly account: Signer | undefined; readonly chainId: number },
  { receiptTimeoutMs = 60_000 }: WriterOptions = {},
): Writer {
  function requireAccount(action: string): Signer {
    if (account === undefined) {
      throw noAccount(action);
    }
    return account;
  }

  async function submit(transaction: Transaction, gas: bigint): Promise<Hex> {
    const signer = requireAccount(transaction.action);
    const { fees, nonce } = await rpc.ask(transaction.action, async (client) => ({
      fees: await client.estimateFeesPerGas(),
      nonce: await client.getTransactionCount({ address: signer.address, blockTag: "pending" }),
    }));
    const signed = signTransaction(signer, {
      type: "eip1559",
      chainId,
      nonce,
      gas,
      maxFeePerGas: fees.maxFeePerGas,
      maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
      data: transaction.data,
      value: transaction.value ?? 0n,
      ...(transaction.to === undefined ? {} : { to: transaction.to }),
    });
    try {
      await rpc.ask(transaction.action, (client) => client.sendRawTransaction({ serializedTransaction: signed }));
    } catch (error) {
      if (!isAlreadyKnown(error)) {
        throw error;
      }
    }
    return keccak256(signed);
  }

  async function waitForReceipt(action: string, hash: Hex): Promise<TransactionReceipt> {
    const deadline = Date.now() + receiptTimeoutMs;
    let lastError: unknown;
    for (let pause = FIRST_POLL_MS; ; pause = Math.min(2 * pause, SLOWEST_POLL_MS)) {
      try {
        const receipt = await rpc.ask(action, (client) => findReceipt(() => client.getTransactionReceipt({ hash })));
        if (receipt !== undefined) {
          return receipt;
        }
        lastError = undefined;
      } catch (error) {
        // The transaction is out; a chain that is away for a moment is no reason to lose sight of it.
        if (errorCode(error) !== "chain.unreachable") {
          throw error;
        }
        lastError = error;
      }
      if (Date.now() + pause > deadline) {
        throw lastError ?? receiptTimeout(hash, receiptTimeoutMs);
      }
      await sleep(pause);
    }
  }

  async function sendForReceipt(transaction: Transaction): Promise<TransactionReceipt> {
    const { to, data, value = 0n, action } = transaction;
    const from = requireAccount(action).address;
    const call = { account: from, data, value, ...(to === undefined ? {} : { to }) };
    const estimate = await rpc.ask(action, (client) => client.estimateGas(call));
    const gas = estimate + (estimate * GAS_MARGIN_PERCENT) / 100n + GAS_MARGIN;
    const hash = await inLine(`${rpc.url} ${from}`, async () => {
      try {
        return await submit(transaction, gas);
      } catch (error) {
        if (!isNonceError(error)) {
          throw error;
        }
        return await submit(transaction, gas);
      }
    });
    const receipt = await waitForReceipt(action, hash);
    if (receipt.status === "reverted") {
      // It passed the estimate, so something came in between. Asking again usually names the reason.
      await rpc.ask(action, (client) => client.call({ ...call, blockNumber: receipt.blockNumber }));
      throw revertError(action, { name: "unknown", args: [] });
    }
    return receipt;
  }

  return {
    account: requireAccount,
    sendForReceipt,
    send: async (transaction) => writeResult(await sendForReceipt(transaction)),
  };
}

export function writeResult({ transactionHash, gasUsed, blockNumber }: TransactionReceipt): WriteResult {
  return { hash: transactionHash, gasUsed, blockNumber };
}

function signTransaction(signer: Signer, transaction: TransactionSerializableEIP1559): Hex {
  const digest = keccak256(serializeTransaction(transaction), "bytes");
  return serializeTransaction(transaction, parseSignature(signer.sign(digest)));
}

async function findReceipt(read: () => Promise<TransactionReceipt>): Promise<TransactionReceipt | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TransactionReceiptNotFoundError) {
      return undefined;
    }
    throw error;
  }
}

/** Endpoints have no common code for these; the words are those of geth, reth and anvil. */
function isNonceError(error: unknown): boolean {
  return /nonce too low|nonce is too low|replacement transaction underpriced|invalid nonce/i.test(errorMessage(error));
}

/** The same bytes arrived before, as when an answer was lost and the request repeated: that is success. */
function isAlreadyKnown(error: unknown): boolean {
  return /already known|already imported/i.test(errorMessage(error));
}
