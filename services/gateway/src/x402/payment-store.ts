import { bytesColumn, countColumn, hexColumn, type Journal, type Row, textColumn } from "@depinfer/journal";
import { DepinferError, type Hex, type MicroUsd } from "@depinfer/protocol";
import { z } from "zod";
import type { WholeReply } from "../reply.ts";

/** An authorization as it was shown with a request. */
export interface ShownPayment {
  readonly payer: Hex;
  readonly nonce: Hex;
  /** Hash of what was asked for. */
  readonly asked: string;
  readonly amount: MicroUsd;
  /** Unix second. */
  readonly validBefore: number;
  /** A block at which the authorization was not used yet. */
  readonly sinceBlock: bigint;
}

/** What stands under an authorization that was shown before. */
export type Held =
  | { readonly kind: "fresh" }
  /** Paid, and the answer did not reach the client. */
  | { readonly kind: "undelivered"; readonly reply: WholeReply }
  /** An earlier process bought the answer and did not settle, or did not say so. */
  | { readonly kind: "cutOff"; readonly requestId: Hex; readonly sinceBlock: bigint };

/**
 * The authorizations of `exact` payments. Each is at work for one request at a time, settled once, and its answer is
 * delivered once. A request that fails frees it.
 */
export interface PaymentStore {
  /** @throws DepinferError `payment.inUse`, or `payment.used` when its answer was delivered or is for another request. */
  take(payment: ShownPayment): Promise<Held>;
  bought(payment: ShownPayment, requestId: Hex): void;
  /** Durable before the answer is handed out. */
  settled(payment: ShownPayment, hash: Hex, reply: WholeReply): Promise<void>;
  /** Ends the work on it. */
  release(payment: ShownPayment, outcome: "free" | "delivered" | "undelivered"): Promise<void>;
  /** What was earned, by scheme. */
  income(): readonly { readonly scheme: string; readonly payments: number; readonly amount: bigint }[];
}

/** How long an authorization is remembered after it has expired, in seconds; the chain refuses it by itself by then. */
const REMEMBERED_SECONDS = 86_400;
const SWEEP_EVERY = 64;

export function createPaymentStore(journal: Journal, now: () => number = Date.now): PaymentStore {
  const { db } = journal;
  const sql = {
    find: db.prepare("SELECT * FROM payments WHERE payer = ? AND nonce = ?"),
    insert: db.prepare(
      "INSERT INTO payments (payer, nonce, asked, amount, valid_before, since_block) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    bought: db.prepare("UPDATE payments SET request_id = ? WHERE payer = ? AND nonce = ?"),
    settled: db.prepare(
      "UPDATE payments SET settled = ?, status = ?, headers = ?, body = ? WHERE payer = ? AND nonce = ? AND settled IS NULL",
    ),
    delivered: db.prepare(
      "UPDATE payments SET delivered = 1, status = NULL, headers = NULL, body = NULL WHERE payer = ? AND nonce = ?",
    ),
    free: db.prepare("DELETE FROM payments WHERE payer = ? AND nonce = ? AND settled IS NULL"),
    removeOld: db.prepare("DELETE FROM payments WHERE valid_before < ?"),
    earn: db.prepare(EARN),
    income: db.prepare("SELECT * FROM x402_income ORDER BY scheme"),
  };
  const working = new Set<string>();
  let taken = 0;

  function held({ payer, nonce, asked }: ShownPayment): Held {
    const row = sql.find.get(payer, nonce);
    if (row === undefined) {
      return { kind: "fresh" };
    }
    if (row.delivered === 1n || textColumn(row, "asked") !== asked) {
      throw used(payer, nonce);
    }
    if (row.settled !== null) {
      return { kind: "undelivered", reply: toReply(row) };
    }
    return row.request_id === null
      ? { kind: "fresh" }
      : {
          kind: "cutOff",
          requestId: hexColumn(row, "request_id"),
          sinceBlock: BigInt(countColumn(row, "since_block")),
        };
  }

  return {
    take(payment) {
      const { payer, nonce, asked, amount, validBefore, sinceBlock } = payment;
      return journal.record(() => {
        if (working.has(nameOf(payment))) {
          throw inUse(payer, nonce);
        }
        const found = held(payment);
        if (taken++ % SWEEP_EVERY === 0) {
          sql.removeOld.run(Math.floor(now() / 1000) - REMEMBERED_SECONDS);
        }
        sql.insert.run(payer, nonce, asked, amount, validBefore, sinceBlock);
        working.add(nameOf(payment));
        return found;
      });
    },
    bought({ payer, nonce }, requestId) {
      // Not awaited: the journal keeps the order, so this is durable before anything is charged. A journal that fails
      // here fails the purchase too.
      journal.record(() => sql.bought.run(requestId, payer, nonce)).catch(() => undefined);
    },
    async settled({ payer, nonce, amount }, hash, { status, headers, body }) {
      await journal.record(() => {
        const { changes } = sql.settled.run(hash, status, JSON.stringify(headers), body, payer, nonce);
        if (BigInt(changes) === 1n) {
          sql.earn.run("exact", amount);
        }
      });
    },
    async release(payment, outcome) {
      const { payer, nonce } = payment;
      try {
        if (outcome === "free") {
          await journal.record(() => sql.free.run(payer, nonce));
        } else if (outcome === "delivered") {
          await journal.record(() => sql.delivered.run(payer, nonce));
        }
      } finally {
        working.delete(nameOf(payment));
      }
    },
    income: () =>
      sql.income.all().map((row) => ({
        scheme: textColumn(row, "scheme"),
        payments: countColumn(row, "payments"),
        amount: BigInt(countColumn(row, "amount")),
      })),
  };
}

/** Adds a payment to the sums. Runs inside the transaction that makes the payment final. */
export const EARN = `INSERT INTO x402_income (scheme, payments, amount) VALUES (?, 1, ?)
  ON CONFLICT (scheme) DO UPDATE SET payments = payments + 1, amount = amount + excluded.amount`;

function nameOf({ payer, nonce }: ShownPayment): string {
  return `${payer}\n${nonce}`;
}

const headersSchema = z.record(z.string(), z.string());

function toReply(row: Row): WholeReply {
  return {
    status: countColumn(row, "status"),
    headers: headersSchema.parse(JSON.parse(textColumn(row, "headers"))),
    body: bytesColumn(row, "body"),
  };
}

function used(payer: Hex, nonce: Hex): DepinferError {
  return new DepinferError({
    code: "payment.used",
    message: `The authorization ${nonce} of ${payer} was used for another request, or its answer was delivered`,
    remedy: "Sign a fresh payment for each request",
    metadata: { payer, nonce },
  });
}

function inUse(payer: Hex, nonce: Hex): DepinferError {
  return new DepinferError({
    code: "payment.inUse",
    message: `A request that shows the authorization ${nonce} of ${payer} is being answered`,
    remedy: "Wait for its answer, or sign a fresh payment for another request",
    metadata: { payer, nonce },
    retryable: true,
  });
}
