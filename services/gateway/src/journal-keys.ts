import { type Journal, type Row, textColumn } from "@depinfer/journal";
import type { KeyRecord, KeyStore } from "./keys.ts";

/** Keys in a gateway's own journal. */
export function journalKeys(journal: Journal): KeyStore {
  const { db } = journal;
  const sql = {
    put: db.prepare(
      `INSERT INTO keys (hash, name, budget, settings) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE
       SET hash = excluded.hash, budget = excluded.budget, settings = excluded.settings, revoked_at = NULL`,
    ),
    byHash: db.prepare("SELECT * FROM keys WHERE hash = ?"),
    byName: db.prepare("SELECT * FROM keys WHERE name = ?"),
    all: db.prepare("SELECT * FROM keys ORDER BY name"),
    change: db.prepare("UPDATE keys SET budget = ?, pass = ?, revoked_at = ?, settings = ? WHERE name = ?"),
  };

  function named(name: string): KeyRecord | undefined {
    const row = sql.byName.get(name);
    return row === undefined ? undefined : toRecord(row);
  }

  return {
    put: ({ name, hash, budget, settings }, onlyNew) =>
      journal.record(() => {
        const before = named(name);
        if (onlyNew && before !== undefined && before.revokedAt === null) {
          return false;
        }
        sql.put.run(hash, name, budget, settings);
        return true;
      }),
    async byHash(hash) {
      const row = sql.byHash.get(hash);
      return row === undefined ? undefined : toRecord(row);
    },
    byName: async (name) => named(name),
    all: async () => sql.all.all().map(toRecord),
    change: (name, fields) =>
      journal.record(() => {
        const before = named(name);
        if (before === undefined) {
          return false;
        }
        const { budget, pass, revokedAt, settings } = { ...before, ...fields };
        sql.change.run(budget, pass, revokedAt, settings, name);
        return true;
      }),
  };
}

function toRecord(row: Row): KeyRecord {
  return {
    name: textColumn(row, "name"),
    hash: textColumn(row, "hash"),
    budget: typeof row.budget === "bigint" ? row.budget : null,
    pass: typeof row.pass === "bigint" ? row.pass : null,
    revokedAt: typeof row.revoked_at === "bigint" ? Number(row.revoked_at) : null,
    settings: textColumn(row, "settings"),
  };
}
