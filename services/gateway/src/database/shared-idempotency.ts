import { deserialize, serialize } from "node:v8";
import type { Buyer, StoredRequest } from "@depinfer/client";
import { textColumn } from "@depinfer/journal";
import { DepinferError, type Hex } from "@depinfer/protocol";
import { z } from "zod";
import { type Idempotency, mismatch, stillRunning, tooLong } from "../idempotency.ts";
import type { WholeReply } from "../reply.ts";
import { isWhole } from "../serve.ts";
import { bytesValue, textValue, wholeValue } from "./columns.ts";
import type { Query, SharedDatabase, SqlRow } from "./postgres.ts";
import type { Seat } from "./seats.ts";

/** The seats of this process, whose journals say what was bought under which key. */
export interface AnswerSeats {
  /** The seat that buys. */
  readonly own: Seat;
  /** Its own and those that it looks after, with what their journals say of requests. */
  all(): readonly AnswerSeat[];
}

export interface AnswerSeat {
  readonly seat: Seat;
  readonly buyer: Pick<Buyer, "request" | "absorb">;
}

/** Answers that many gateways share, and the keys of those that have ended. */
export interface SharedIdempotency extends Idempotency {
  /**
   * Looks after the keys of processes that have ended: frees those under which nothing was bought that cost anything, and
   * tells all gateways what else was bought.
   */
  settle(): Promise<void>;
}

export interface SharedIdempotencyOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Bytes of one answer that are kept at most. */
  readonly mostBytes?: number;
}

const KEPT_MS = 24 * 3_600_000;
const MOST_BYTES = 4_194_304;
/** For how long a purchase that a crash cut off holds its key. */
const UNSETTLED_MS = 120_000;
const SWEEP_EVERY = 64;
const headersSchema = z.record(z.string(), z.string());

/** Answers that many gateways share: a request that is sent twice, to whichever of them, is bought once. */
export function sharedIdempotency(
  database: SharedDatabase,
  { own, all }: AnswerSeats,
  { now = Date.now, mostBytes = MOST_BYTES }: SharedIdempotencyOptions = {},
): SharedIdempotency {
  let begun = 0;
  const { journal } = own;
  const sql = {
    noted: journal.db.prepare("SELECT request_id FROM answers WHERE account = ? AND key = ?"),
    note: journal.db.prepare(
      "INSERT OR REPLACE INTO answers (account, key, asked, begun_at, request_id) VALUES (?, ?, '', ?, ?)",
    ),
    forget: journal.db.prepare("DELETE FROM answers WHERE account = ? AND key = ?"),
  };

  /**
   * Which purchase under a key decides what becomes of it, as the seat's journal says: one that was paid, or one that may
   * still be. Null without any; undefined where another process has that journal.
   */
  function boughtIn(seat: bigint, account: string, key: string): Hex | null | undefined {
    const found = all().find((one) => one.seat.id === seat);
    if (found === undefined) {
      return undefined;
    }
    const row = found.seat.journal.db
      .prepare("SELECT request_id FROM answers WHERE account = ? AND key = ?")
      .get(account, key);
    const ids =
      row === undefined || row.request_id === null ? [] : textColumn(row, "request_id").split(" ").filter(isHex);
    const of = (...states: string[]) => ids.find((id) => states.includes(found.buyer.request(id)?.state ?? "failed"));
    return of("done", "disputed") ?? of("started", "broken") ?? ids.at(-1) ?? null;
  }

  async function find(query: Query, account: string, key: string, lock: boolean): Promise<SqlRow | undefined> {
    const [row] = await query(
      `SELECT a.*, (s.epoch = a.epoch AND s.holder IS NOT NULL AND s.expires_at > now()) AS running
       FROM gateway_answers a LEFT JOIN journal_seats s ON s.id = a.seat
       WHERE a.account = $1 AND a.key = $2 ${lock ? "FOR UPDATE OF a" : ""}`,
      [account, key],
    );
    return row;
  }

  return {
    async begin(account, key, asked, leftover) {
      if (begun++ % SWEEP_EVERY === 0) {
        await database.query("DELETE FROM gateway_answers WHERE begun_at < $1", [now() - KEPT_MS]);
      }
      const seen = await find(database.query, account, key, false);
      // A purchase of a process that has ended: whoever took its seat knows what became of it.
      const orphan = seen !== undefined && seen.status === null && seen.running !== true;
      if (orphan && textValue(seen, "asked") !== asked) {
        throw mismatch(key);
      }
      const purchase = orphan && seen.recovered !== null ? toPurchase(seen) : undefined;
      const id = purchase?.id ?? (orphan ? boughtIn(wholeValue(seen, "seat"), account, key) : null);
      const left = id === null ? "free" : id === undefined ? "elsewhere" : await leftover(id, purchase);

      const replay = await database.transaction(async (query): Promise<WholeReply | null> => {
        const inserted = await query(
          `INSERT INTO gateway_answers (account, key, asked, begun_at, seat, epoch) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT DO NOTHING RETURNING key`,
          [account, key, asked, now(), own.id, own.epoch],
        );
        if (inserted.length > 0) {
          return null;
        }
        const row = await find(query, account, key, true);
        const fresh = row !== undefined && Number(wholeValue(row, "begun_at")) >= now() - KEPT_MS;
        if (row !== undefined && fresh) {
          if (textValue(row, "asked") !== asked) {
            throw mismatch(key);
          }
          if (row.status !== null) {
            return toReply(row);
          }
          // Another request may have taken the key between the look and the lock.
          if (row.running === true || row.seat !== seen?.seat || row.epoch !== seen?.epoch) {
            throw stillRunning(key, "is being answered");
          }
          if (left === "elsewhere") {
            throw stillRunning(key, "was cut off when its gateway stopped, and another one finds out what it cost");
          }
          if (left === "unsettled" && now() - Number(wholeValue(row, "begun_at")) < UNSETTLED_MS) {
            throw stillRunning(key, "was cut off when its gateway stopped, and what it cost is being settled");
          }
          if (typeof left !== "string") {
            return left;
          }
        }
        await query(
          `UPDATE gateway_answers SET asked = $3, begun_at = $4, seat = $5, epoch = $6,
           status = NULL, headers = NULL, body = NULL, recovered = NULL WHERE account = $1 AND key = $2`,
          [account, key, asked, now(), own.id, own.epoch],
        );
        return null;
      });
      if (replay !== null) {
        return { replay: { ...replay, headers: { ...replay.headers, "idempotency-replayed": "true" } } };
      }
      const mine = "account = $1 AND key = $2 AND seat = $3 AND epoch = $4";
      const owner = [account, key, own.id, own.epoch] as const;
      return {
        first: {
          bought(requestId: Hex) {
            // In the journal of the purchase itself, which keeps the order: durable before anything is charged. A journal
            // that fails here fails the purchase too.
            const note = journal.record(() => {
              const before = sql.noted.get(account, key)?.request_id;
              sql.note.run(account, key, now(), typeof before === "string" ? `${before} ${requestId}` : requestId);
            });
            note.catch(() => undefined);
          },
          async keep(reply) {
            const { status, headers, body } = reply.body.length > mostBytes ? tooLong(key, reply, mostBytes) : reply;
            const kept = await database.query(
              `UPDATE gateway_answers SET status = $5, headers = $6, body = $7 WHERE ${mine} RETURNING key`,
              [...owner, status, JSON.stringify(headers), body],
            );
            if (kept.length === 0) {
              throw takenOver(key);
            }
            journal.record(() => sql.forget.run(account, key)).catch(() => undefined);
          },
          async release() {
            await database.query(`DELETE FROM gateway_answers WHERE ${mine} AND status IS NULL`, [...owner]);
            journal.record(() => sql.forget.run(account, key)).catch(() => undefined);
          },
        },
      };
    },
    async settle() {
      for (const {
        seat: { id, epoch },
        buyer,
      } of all()) {
        const rows = await database.query(
          `SELECT account, key FROM gateway_answers
           WHERE seat = $1 AND epoch < $2 AND status IS NULL AND recovered IS NULL`,
          [id, epoch],
        );
        for (const row of rows) {
          const [account, key] = [textValue(row, "account"), textValue(row, "key")];
          const bought = boughtIn(id, account, key);
          const purchase = typeof bought === "string" ? buyer.request(bought) : undefined;
          const mine = "account = $1 AND key = $2 AND seat = $3 AND epoch < $4 AND status IS NULL";
          if (purchase?.state === "done" || purchase?.state === "disputed") {
            if (!isWhole(purchase)) {
              // Whoever is asked again, here or at another gateway, buys it again.
              await buyer.absorb(purchase.id);
            }
            await database.query(`UPDATE gateway_answers SET recovered = $5 WHERE ${mine}`, [
              account,
              key,
              id,
              epoch,
              serialize(purchase),
            ]);
          } else if (bought !== undefined && (purchase === undefined || purchase.state === "failed")) {
            await database.query(`DELETE FROM gateway_answers WHERE ${mine}`, [account, key, id, epoch]);
          }
        }
      }
    },
  };
}

function toReply(row: SqlRow): WholeReply {
  return {
    status: Number(wholeValue(row, "status")),
    headers: headersSchema.parse(JSON.parse(textValue(row, "headers"))),
    body: bytesValue(row, "body"),
  };
}

function isHex(text: string): text is Hex {
  return text.startsWith("0x");
}

/** Written by a gateway of the same group. */
function toPurchase(row: SqlRow): StoredRequest | undefined {
  const purchase: unknown = deserialize(bytesValue(row, "recovered"));
  return isPurchase(purchase) ? purchase : undefined;
}

function isPurchase(value: unknown): value is StoredRequest {
  return value !== null && typeof value === "object" && "id" in value && "state" in value && "signed" in value;
}

function takenOver(key: string): DepinferError {
  return new DepinferError({
    code: "idempotency.running",
    message: `Another gateway took over the request under the idempotency key ${JSON.stringify(key)}`,
    remedy: "Send the same request again in a moment to get its answer",
    metadata: { key },
    retryable: true,
  });
}
