import { DepinferError } from "@depinfer/protocol";
import type { SharedDatabase } from "./postgres.ts";

/** Versions of the tables that gateways share, in order. None is ever edited. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE gateway_keys (
     name TEXT PRIMARY KEY,                    -- the account whose requests these are
     hash TEXT NOT NULL UNIQUE,                -- SHA-256 of the key
     budget BIGINT,                            -- units in all, or null
     pass BIGINT,
     revoked_at BIGINT,                        -- ms since 1970
     settings TEXT NOT NULL                    -- JSON: scopes, limits, expiry, policy
   );
   CREATE TABLE gateway_accounts (             -- what is counted of a key: rates, requests at work, money
     name TEXT PRIMARY KEY,
     state TEXT NOT NULL                       -- JSON
   );
   CREATE TABLE gateway_answers (              -- under the Idempotency-Key header
     account TEXT NOT NULL,
     key TEXT NOT NULL,
     asked TEXT NOT NULL,                      -- SHA-256 of what was asked
     begun_at BIGINT NOT NULL,                 -- ms since 1970
     seat BIGINT NOT NULL,                     -- whose journal has the purchase
     epoch BIGINT NOT NULL,                    -- which process has that journal
     status BIGINT,                            -- null until the answer is whole, as are the next two
     headers TEXT,
     body BYTEA,
     recovered BYTEA,                          -- the purchase, once whoever took over the seat knows its end
     PRIMARY KEY (account, key)
   );
   CREATE INDEX gateway_answers_by_age ON gateway_answers (begun_at);
   CREATE TABLE journal_seats (
     id BIGSERIAL PRIMARY KEY,
     epoch BIGINT NOT NULL DEFAULT 0,          -- counts owners; only the last one can append
     holder TEXT,                              -- null while nobody has it
     url TEXT,                                 -- where its holder answers
     adopted BOOLEAN NOT NULL DEFAULT false,   -- its holder has a seat of its own as well
     wanted_until TIMESTAMPTZ,                 -- a process that starts waits for it
     expires_at TIMESTAMPTZ NOT NULL DEFAULT now(),
     last_seq BIGINT NOT NULL DEFAULT 0
   );
   CREATE TABLE journal_snapshots (
     seat BIGINT PRIMARY KEY REFERENCES journal_seats (id),
     seq BIGINT NOT NULL,                      -- the last group that it holds
     bytes BYTEA NOT NULL
   );
   CREATE TABLE journal_log (
     seat BIGINT NOT NULL REFERENCES journal_seats (id),
     seq BIGINT NOT NULL,
     epoch BIGINT NOT NULL,
     changes BYTEA NOT NULL,
     PRIMARY KEY (seat, seq)
   )`,
];

/** Any number that no other program uses for a lock of this database. */
const MIGRATION_LOCK = 7_351_001;

/** Brings the shared tables to their newest version. @throws DepinferError `database.newer`; nothing is changed then. */
export async function migrateShared(database: SharedDatabase): Promise<void> {
  await database.transaction(async (query) => {
    await query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await query("CREATE TABLE IF NOT EXISTS gateway_version (version BIGINT NOT NULL)");
    const [row] = await query("SELECT version FROM gateway_version");
    const version = Number(row?.version ?? 0);
    if (version > MIGRATIONS.length) {
      throw new DepinferError({
        code: "database.newer",
        message: `The shared tables are of version ${version}, this program knows ${MIGRATIONS.length}`,
        remedy: "Run the version of Depinfer that wrote them, or a newer one",
        metadata: { version },
      });
    }
    for (const sql of MIGRATIONS.slice(version)) {
      await query(sql);
    }
    await query("DELETE FROM gateway_version");
    await query("INSERT INTO gateway_version VALUES ($1)", [MIGRATIONS.length]);
  });
}
