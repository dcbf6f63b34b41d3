import type { KeyRecord, KeyStore } from "../keys.ts";
import { textValue } from "./columns.ts";
import type { SharedDatabase, SqlRow } from "./postgres.ts";

/** Keys that many gateways share. A key that one of them makes or revokes counts at the others from the next request on. */
export function sharedKeys({ query }: SharedDatabase): KeyStore {
  const COLUMNS = { budget: "budget", pass: "pass", revokedAt: "revoked_at", settings: "settings" } as const;
  return {
    async put({ name, hash, budget, settings }, onlyNew) {
      const done = await query(
        `INSERT INTO gateway_keys (hash, name, budget, settings) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE
         SET hash = excluded.hash, budget = excluded.budget, settings = excluded.settings, revoked_at = NULL
         ${onlyNew ? "WHERE gateway_keys.revoked_at IS NOT NULL" : ""} RETURNING name`,
        [hash, name, budget, settings],
      );
      return done.length > 0;
    },
    async byHash(hash) {
      const [row] = await query("SELECT * FROM gateway_keys WHERE hash = $1", [hash]);
      return row === undefined ? undefined : toRecord(row);
    },
    async byName(name) {
      const [row] = await query("SELECT * FROM gateway_keys WHERE name = $1", [name]);
      return row === undefined ? undefined : toRecord(row);
    },
    all: async () => (await query("SELECT * FROM gateway_keys ORDER BY name")).map(toRecord),
    async change(name, { budget, pass, revokedAt, settings }) {
      const given = Object.entries({ budget, pass, revokedAt, settings }).filter(([, value]) => value !== undefined);
      const sets = given.map(([field], index) => `${column(field)} = $${index + 2}`);
      const values = given.map(([, value]) => value ?? null);
      const done = await query(`UPDATE gateway_keys SET ${sets.join(", ")} WHERE name = $1 RETURNING name`, [
        name,
        ...values,
      ]);
      return done.length > 0;
    },
  };

  function column(field: string): string {
    return Object.entries(COLUMNS).find(([name]) => name === field)?.[1] ?? "settings";
  }
}

function toRecord(row: SqlRow): KeyRecord {
  return {
    name: textValue(row, "name"),
    hash: textValue(row, "hash"),
    budget: typeof row.budget === "bigint" ? row.budget : null,
    pass: typeof row.pass === "bigint" ? row.pass : null,
    revokedAt: typeof row.revoked_at === "bigint" ? Number(row.revoked_at) : null,
    settings: textValue(row, "settings"),
  };
}
