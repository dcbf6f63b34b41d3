import type { Outbox } from "@depinfer/protocol";
import type { Journal } from "./journal.ts";
import { countColumn, hexColumn, textColumn } from "./row.ts";

/** Versions of the part of a journal that remembers transactions, in order. */
export const OUTBOX_MIGRATIONS: readonly string[] = [
  `CREATE TABLE outbox (
     hash TEXT PRIMARY KEY,
     account TEXT NOT NULL,
     chain_id INTEGER NOT NULL,
     nonce INTEGER NOT NULL,
     raw TEXT NOT NULL,
     action TEXT NOT NULL
   ) STRICT`,
];

/** @param journal opened with `OUTBOX_MIGRATIONS` as one of its parts. */
export function createOutbox(journal: Journal): Outbox {
  const { db } = journal;
  const sql = {
    save: db.prepare("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"),
    drop: db.prepare("DELETE FROM outbox WHERE hash = ?"),
    forget: db.prepare("DELETE FROM outbox WHERE account = ? AND chain_id = ? AND nonce = ?"),
    pending: db.prepare("SELECT * FROM outbox WHERE account = ? AND chain_id = ? ORDER BY nonce, rowid"),
  };
  return {
    save: ({ hash, account, chainId, nonce, raw, action }) =>
      journal.record(() => {
        sql.save.run(hash, account, chainId, nonce, raw, action);
      }),
    drop: (hash) =>
      journal.record(() => {
        sql.drop.run(hash);
      }),
    forget: (account, chainId, nonce) =>
      journal.record(() => {
        sql.forget.run(account, chainId, nonce);
      }),
    pending: (account, chainId) =>
      sql.pending.all(account, chainId).map((row) => ({
        account: hexColumn(row, "account"),
        chainId: countColumn(row, "chain_id"),
        nonce: countColumn(row, "nonce"),
        hash: hexColumn(row, "hash"),
        raw: hexColumn(row, "raw"),
        action: textColumn(row, "action"),
      })),
  };
}
