import type { Outbox } from "@depinfer/protocol";
import { errorCode, type Hex } from "@depinfer/protocol";
import {
  keccak256,
  parseSignature,
  parseTransaction,
  serializeTransaction,
  type TransactionReceipt,
  type TransactionSerializableEIP1559,
} from "viem";
import { announce, isKnown, isNonceError, waitForAny } from "./announce.ts";
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
  /** Longest wait for a transaction to be mined, replacements included. */
  readonly receiptTimeoutMs?: number;
  /** A transaction that waits this long is sent again if it was dropped, and replaced by a dearer one if it was not. */
  readonly replaceAfterMs?: number;
  /** Most wei per gas that a replacement offers. */
  readonly mostFeePerGas?: bigint;
  /**
   * Runs `work` while no other process that sends for the account does. Processes that share a wallet need it, so that two
   * of them do not read the same nonce.
   */
  readonly lock?: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Remembers what was sent and not seen mined, over restarts. Without it a process that dies loses sight of it. */
  readonly outbox?: Outbox;
}

/**
 * Gas beyond the estimate: what others do in between may make a call much dearer. The registry's set of operators, for
 * example, writes six slots more when it grows from three members to four. Gas that is not used is not paid.
 */
const GAS_MARGIN_PERCENT = 100n;
const GAS_MARGIN = 100_000n;
/** A replacement offers an eighth more than what it replaces: nodes take one from a tenth more on. */
const RAISE_DIVISOR = 8n;
/** Times that a waiting transaction is sent again or replaced. */
const MOST_NUDGES = 3;
/** A hundred times what rollups usually cost; an endpoint that estimates more is wrong or lies. */
const MOST_FEE_PER_GAS = 500_000_000_000n;

type Fields = TransactionSerializableEIP1559 & {
  readonly nonce: number;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
};

/** A transaction as it was announced. */
interface Sent {
  readonly hash: Hex;
  readonly raw: Hex;
  readonly fields: Fields;
}

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

/** For an account that only this process sends for. */
function unlocked<Result>(work: () => Promise<Result>): Promise<Result> {
  return work();
}

/** A writer for `account` on chain `chainId`. */
export function createWriter(
  { rpc, account, chainId }: { readonly rpc: Rpc; readonly account: Signer | undefined; readonly chainId: number },
  {
    receiptTimeoutMs = 60_000,
    replaceAfterMs = 15_000,
    mostFeePerGas = MOST_FEE_PER_GAS,
    outbox,
    lock = unlocked,
  }: WriterOptions = {},
): Writer {
  let resumed: Promise<void> | undefined;

  function requireAccount(action: string): Signer {
    if (account === undefined) {
      throw noAccount(action);
    }
    return account;
  }

  async function submit(transaction: Transaction, gas: bigint): Promise<Sent> {
    const signer = requireAccount(transaction.action);
    const { fees, nonce } = await rpc.ask(transaction.action, async (client) => ({
      fees: await client.estimateFeesPerGas(),
      nonce: await client.getTransactionCount({ address: signer.address, blockTag: "pending" }),
    }));
    return broadcast(signer, transaction.action, {
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
  }

  async function broadcast(signer: Signer, action: string, fields: Fields): Promise<Sent> {
    const raw = signTransaction(signer, fields);
    const hash = keccak256(raw);
    // Written down before it is announced.
    await outbox?.save({ account: signer.address, chainId, nonce: fields.nonce, hash, raw, action });
    try {
      await announce(rpc, action, raw);
    } catch (error) {
      // A chain that did not answer may have taken it.
      if (errorCode(error) !== "chain.unreachable") {
        await outbox?.drop(hash);
      }
      throw error;
    }
    return { hash, raw, fields };
  }

  /** Waits, and keeps the transaction moving. Whichever version of it is mined is the one that counts. */
  async function untilMined(signer: Signer, action: string, first: Sent): Promise<TransactionReceipt> {
    const versions = [first];
    const deadline = Date.now() + receiptTimeoutMs;
    for (let nudges = 0; ; nudges++) {
      const until = nudges < MOST_NUDGES ? Math.min(deadline, Date.now() + replaceAfterMs) : deadline;
      const hashes = versions.map(({ hash }) => hash);
      const { receipt, unreachable } = await waitForAny(rpc, action, hashes, until);
      if (receipt !== undefined) {
        await outbox?.forget(signer.address, chainId, first.fields.nonce);
        return receipt;
      }
      const last = versions.at(-1) ?? first;
      if (until === deadline) {
        throw unreachable ?? receiptTimeout(last.hash, receiptTimeoutMs);
      }
      const replacement = await nudge(signer, action, last);
      if (replacement !== undefined) {
        versions.push(replacement);
      }
    }
  }

  /** Sends a transaction again if the chain dropped it, or a dearer one in its place; undefined when there is no new one. */
  async function nudge(signer: Signer, action: string, last: Sent): Promise<Sent | undefined> {
    try {
      if (!(await isKnown(rpc, action, last.hash)) && (await isTaken(action, last.raw))) {
        return undefined;
      }
      const now = await rpc.ask(action, (client) => client.estimateFeesPerGas());
      const maxFeePerGas = raised(last.fields.maxFeePerGas, now.maxFeePerGas);
      const maxPriorityFeePerGas = raised(last.fields.maxPriorityFeePerGas, now.maxPriorityFeePerGas);
      return maxFeePerGas > mostFeePerGas
        ? undefined
        : await broadcast(signer, action, { ...last.fields, maxFeePerGas, maxPriorityFeePerGas });
    } catch (error) {
      // An earlier version was mined meanwhile, or the chain is away: the next look at the receipts tells.
      if (isNonceError(error) || errorCode(error) === "chain.unreachable") {
        return undefined;
      }
      throw error;
    }
  }

  /** Announces a dropped transaction again. A chain that has become dearer refuses it. */
  async function isTaken(action: string, raw: Hex): Promise<boolean> {
    try {
      await announce(rpc, action, raw);
      return true;
    } catch (error) {
      if (isNonceError(error) || errorCode(error) === "chain.unreachable") {
        throw error;
      }
      return false;
    }
  }

  /** What an earlier life of this process had announced ends first; what cannot be mined any more is forgotten. */
  async function resume(signer: Signer): Promise<void> {
    const pending = outbox?.pending(signer.address, chainId) ?? [];
    for (const nonce of new Set(pending.map((one) => one.nonce))) {
      const versions = pending.filter((one) => one.nonce === nonce);
      const { action = "resume", raw, hash } = versions.at(-1) ?? {};
      const { address } = signer;
      const [mined, taken] = await rpc.ask(action, (client) =>
        Promise.all([
          client.getTransactionCount({ address, blockTag: "latest" }),
          client.getTransactionCount({ address, blockTag: "pending" }),
        ]),
      );
      // Below what is mined, some version was. Above what is taken, one before it is missing: it would wait for ever.
      if (nonce >= mined && nonce <= taken && raw !== undefined && hash !== undefined) {
        for (const version of versions) {
          await announce(rpc, action, version.raw).catch(() => undefined);
        }
        await untilMined(signer, action, { hash, raw, fields: fieldsOf(raw) });
      }
      await outbox?.forget(signer.address, chainId, nonce);
    }
  }

  function resumeOnce(signer: Signer): Promise<void> {
    resumed ??= resume(signer).catch((error: unknown) => {
      resumed = undefined;
      throw error;
    });
    return resumed;
  }

  async function sendForReceipt(transaction: Transaction): Promise<TransactionReceipt> {
    const { to, data, value = 0n, action } = transaction;
    const signer = requireAccount(action);
    const from = signer.address;
    const call = { account: from, data, value, ...(to === undefined ? {} : { to }) };
    const estimate = await rpc.ask(action, (client) => client.estimateGas(call));
    const gas = estimate + (estimate * GAS_MARGIN_PERCENT) / 100n + GAS_MARGIN;
    const sent = await inLine(`${rpc.url} ${from}`, async () => {
      await resumeOnce(signer);
      return lock(() =>
        submit(transaction, gas).catch((error: unknown) => {
          if (!isNonceError(error)) {
            throw error;
          }
          return submit(transaction, gas);
        }),
      );
    });
    const receipt = await untilMined(signer, action, sent);
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

function raised(offered: bigint, estimate: bigint): bigint {
  const least = offered + offered / RAISE_DIVISOR + 1n;
  return estimate > least ? estimate : least;
}

function fieldsOf(raw: Hex): Fields {
  const {
    type,
    chainId,
    nonce = 0,
    gas = 0n,
    maxFeePerGas = 0n,
    maxPriorityFeePerGas = 0n,
    data,
    value,
    to,
  } = parseTransaction(asEip1559(raw));
  return {
    type,
    chainId,
    nonce,
    gas,
    maxFeePerGas,
    maxPriorityFeePerGas,
    ...(data === undefined ? {} : { data }),
    ...(value === undefined ? {} : { value }),
    ...(typeof to === "string" ? { to } : {}),
  };
}

/** Transactions of this writer are of this type and no other. */
function asEip1559(raw: Hex): `0x02${string}` {
  if (!isEip1559(raw)) {
    throw new TypeError("the outbox holds a transaction that this writer did not make");
  }
  return raw;
}

function isEip1559(raw: Hex): raw is `0x02${string}` {
  return raw.startsWith("0x02");
}
