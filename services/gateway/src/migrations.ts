/** Versions of the gateway's part of the journal, in order. */
export const GATEWAY_MIGRATIONS: readonly string[] = [
  `CREATE TABLE keys (
     hash TEXT PRIMARY KEY,                  -- SHA-256 of the key
     name TEXT NOT NULL UNIQUE,              -- the account whose requests these are
     budget INTEGER                          -- units in all, or null
   ) STRICT`,
  `CREATE TABLE answers (                    -- under the Idempotency-Key header
     account TEXT NOT NULL,
     key TEXT NOT NULL,
     asked TEXT NOT NULL,                    -- SHA-256 of what was asked
     begun_at INTEGER NOT NULL,              -- ms since 1970
     request_id TEXT,                        -- the last request that was bought under this key
     status INTEGER,                         -- null until the answer is whole, as are the next two
     headers TEXT,
     body BLOB,
     PRIMARY KEY (account, key)
   ) STRICT;
   CREATE INDEX answers_by_age ON answers (begun_at)`,
  // When the key was revoked, in ms since 1970, and the id of the pass that pays for it; null without.
  `ALTER TABLE keys ADD COLUMN revoked_at INTEGER;
   ALTER TABLE keys ADD COLUMN pass INTEGER`,
];
