import { createHash } from "node:crypto";
import type { StoredRequest } from "@depinfer/client";
import { bytesColumn, countColumn, hexColumn, type Journal, type Row, textColumn } from "@depinfer/journal";
import { DepinferError, type Hex, utf8 } from "@depinfer/protocol";
import { z } from "zod";
import { describeError } from "./http-error.ts";
import type { WholeReply } from "./reply.ts";

/** What became of a request that this gateway was buying when it was stopped. */
export type Leftover = WholeReply | "unsettled" | "free";

/** A request under an idempotency key that is being answered for the first time. */
export interface FirstTime {
  /** Notes which purchase may be charged for this key, so that a crash does not forget it. */
  bought(requestId: Hex): void;
  /** Makes the answer durable; every later request with the key gets it. */
  keep(reply: WholeReply): Promise<void>;
  /** The request failed: the key may be used again. */
  release(): Promise<void>;
}

/** Answers under the `Idempotency-Key` header: a request that is sent twice is bought once. */
export interface Idempotency {
  /**
   * Takes a key, or gives the answer that it has.
   *
   * @param asked hash of everything that decides the answer.
   * @param leftover what became of a purchase that an earlier process began under this key. The purchase itself is given
   *   where another gateway's journal had it.
   * @throws DepinferError `idempotency.mismatch` when the key stands for another request, `idempotency.running` while
   *   the first one is not answered yet.
   */
  begin(
    account: string,
    key: string,
    asked: string,
    leftover: (requestId: Hex, purchase?: StoredRequest) => Promise<Leftover>,
  ): Promise<Begun>;
}

export type Begun = { readonly replay: WholeReply } | { readonly first: FirstTime };

export interface IdempotencyOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Answers of one account that are kept at most. */
  readonly mostAnswers?: number;
  /** Bytes of one answer that are kept at most. */
  readonly mostBytes?: number;
  /** Bytes of all answers that are kept, but for those of the last few requests. */
  readonly mostTotalBytes?: number;
}

/** Longest key in characters, as elsewhere on the web. */
const MOST_KEY_LENGTH = 255;
/** Clients try again within minutes; a day covers an evening's outage. */
const KEPT_MS = 24 * 3_600_000;
const MOST_ANSWERS = 10_000;
const MOST_BYTES = 4_194_304;
const MOST_TOTAL_BYTES = 268_435_456;
/** For how long a purchase that a crash cut off holds its key: providers bring receipts within seconds, or hardly ever. */
const UNSETTLED_MS = 120_000;
/** Old answers are swept once in so many requests, since looking for them reads the whole table. */
const SWEEP_EVERY = 64;

/** The key of a request, or null. @throws DepinferError `request.invalid` for one that is empty, too long or not text. */
export function idempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) {
    return null;
  }
  const key = String(header).trim();
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > MOST_KEY_LENGTH) {
    throw new DepinferError({
      code: "request.invalid",
      message: `The Idempotency-Key header holds ${key.length} characters, or some that are not printable ASCII`,
      remedy: `Send a key of 1 to ${MOST_KEY_LENGTH} printable characters without spaces, a UUID for example`,
      metadata: { param: "idempotency-key" },
    });
  }
  return key;
}

/** The hash that two requests under one key must share. Parts are separated by their lengths. */
export function askedHash(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = typeof part === "string" ? utf8(part) : part;
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex");
}

export function createIdempotency(journal: Journal, options: IdempotencyOptions = {}): Idempotency {
  const now = options.now ?? Date.now;
  const mostAnswers = options.mostAnswers ?? MOST_ANSWERS;
  const mostBytes = options.mostBytes ?? MOST_BYTES;
  const mostTotalBytes = options.mostTotalBytes ?? MOST_TOTAL_BYTES;
  const { db } = journal;
  const sql = {
    find: db.prepare("SELECT * FROM answers WHERE account = ? AND key = ?"),
    insert: db.prepare(
      "INSERT INTO answers (account, key, asked, begun_at) VALUES (?, ?, ?, ?) ON CONFLICT (account, key) DO UPDATE SET asked = excluded.asked, begun_at = excluded.begun_at, request_id = NULL",
    ),
    bought: db.prepare("UPDATE answers SET request_id = ? WHERE account = ? AND key = ?"),
    keep: db.prepare("UPDATE answers SET status = ?, headers = ?, body = ? WHERE account = ? AND key = ?"),
    remove: db.prepare("DELETE FROM answers WHERE account = ? AND key = ?"),
    removeOld: db.prepare("DELETE FROM answers WHERE begun_at < ?"),
    removeMany: db.prepare(
      `DELETE FROM answers WHERE rowid IN (
         SELECT rowid FROM answers WHERE account = ? AND status IS NOT NULL ORDER BY begun_at DESC LIMIT -1 OFFSET ?)`,
    ),
    removeBulk: db.prepare(
      `DELETE FROM answers WHERE rowid IN (
         SELECT id FROM (
           SELECT rowid AS id, sum(length(body)) OVER (ORDER BY begun_at DESC, rowid DESC) AS newer
           FROM answers WHERE status IS NOT NULL)
         WHERE newer > ?)`,
    ),
  };
  /** Keys that this process is working on. A row without an answer that is not here was left by an earlier one. */
  const running = new Set<string>();
  let begun = 0;

  function sweep(account: string): void {
    if (begun++ % SWEEP_EVERY === 0) {
      sql.removeOld.run(now() - KEPT_MS);
      sql.removeMany.run(account, mostAnswers);
      sql.removeBulk.run(mostTotalBytes);
    }
  }

  /** A purchase that an earlier process began under a key and did not finish. */
  function unfinished(account: string, key: string): Hex | null {
    const row = sql.find.get(account, key);
    const left = row !== undefined && row.status === null && !running.has(nameOf(account, key));
    return left && row.request_id !== null ? hexColumn(row, "request_id") : null;
  }

  /** What is under a key, or null when it is free. */
  function known(account: string, key: string, asked: string, left: Leftover) {
    const row = sql.find.get(account, key);
    if (row === undefined || countColumn(row, "begun_at") < now() - KEPT_MS) {
      return null;
    }
    if (textColumn(row, "asked") !== asked) {
      throw mismatch(key);
    }
    if (row.status !== null) {
      return toReply(row);
    }
    if (running.has(nameOf(account, key))) {
      throw stillRunning(key, "is being answered");
    }
    if (left === "unsettled" && now() - countColumn(row, "begun_at") < UNSETTLED_MS) {
      throw stillRunning(key, "was cut off when the gateway stopped, and what it cost is being settled");
    }
    return typeof left === "string" ? null : left;
  }

  return {
    async begin(account, key, asked, leftover) {
      const name = nameOf(account, key);
      const requestId = unfinished(account, key);
      // Before anybody decides what becomes of the purchase: it is not another request's.
      if (requestId !== null && textColumn(sql.find.get(account, key) ?? {}, "asked") !== asked) {
        throw mismatch(key);
      }
      const left = requestId === null ? "free" : await leftover(requestId);
      const found = await journal.record(() => {
        const reply = known(account, key, asked, left);
        if (reply === null) {
          sweep(account);
          sql.remove.run(account, key);
          sql.insert.run(account, key, asked, now());
          running.add(name);
        }
        return reply;
      });
      if (found !== null) {
        return { replay: { ...found, headers: { ...found.headers, "idempotency-replayed": "true" } } };
      }
      return {
        first: {
          bought(requestId) {
            // Not awaited: the journal keeps the order, so this is durable before anything is charged. A journal that
            // fails here fails the purchase too.
            journal.record(() => sql.bought.run(requestId, account, key)).catch(() => undefined);
          },
          async keep(reply) {
            const { status, headers, body } = reply.body.length > mostBytes ? tooLong(key, reply, mostBytes) : reply;
            await journal.record(() => sql.keep.run(status, JSON.stringify(headers), body, account, key));
            running.delete(name);
          },
          async release() {
            running.delete(name);
            await journal.record(() => sql.remove.run(account, key));
          },
        },
      };
    },
  };
}

function nameOf(account: string, key: string): string {
  return `${account}\n${key}`;
}

const headersSchema = z.record(z.string(), z.string());

function toReply(row: Row): WholeReply {
  return {
    status: countColumn(row, "status"),
    headers: headersSchema.parse(JSON.parse(textColumn(row, "headers"))),
    body: bytesColumn(row, "body"),
  };
}

export function mismatch(key: string): DepinferError {
  return new DepinferError({
    code: "idempotency.mismatch",
    message: `The idempotency key ${JSON.stringify(key)} was used for another request`,
    remedy: "Use a fresh key for each request, and the same one only to send the same request again",
    metadata: { key },
  });
}

export function stillRunning(key: string, why: string): DepinferError {
  return new DepinferError({
    code: "idempotency.running",
    message: `The request under the idempotency key ${JSON.stringify(key)} ${why}`,
    remedy: "Send the same request again in a moment to get its answer",
    metadata: { key },
    retryable: true,
  });
}

/** What is kept in place of an answer that is too long: it was sent and paid once, and must not be bought again. */
export function tooLong(key: string, { headers, body }: WholeReply, limit: number): WholeReply {
  const error = new DepinferError({
    code: "idempotency.tooLong",
    message: `The answer under the idempotency key ${JSON.stringify(key)} was sent once; its ${body.length} bytes are more than the ${limit} that are kept`,
    remedy: "Read its receipt at /v1/receipts, or ask again under another key",
    metadata: { key },
  });
  const described = describeError(error);
  const receipt = headers["x-depinfer-receipt"];
  return {
    status: described.status,
    headers: {
      "content-type": "application/json",
      ...(receipt === undefined ? {} : { "x-depinfer-receipt": receipt }),
    },
    body: utf8(JSON.stringify(described.body)),
  };
}
