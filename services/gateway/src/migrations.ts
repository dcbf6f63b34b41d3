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
  `CREATE TABLE payments (                   -- x402 exact: authorizations that are at work or were used here
     payer TEXT NOT NULL,
     nonce TEXT NOT NULL,
     asked TEXT NOT NULL,                    -- SHA-256 of what was asked
     amount INTEGER NOT NULL,
     valid_before INTEGER NOT NULL,          -- Unix second
     since_block INTEGER NOT NULL,           -- the authorization was open then
     request_id TEXT,                        -- the last request that was bought for it
     settled TEXT,                           -- hash of the transfer, or null before it
     status INTEGER,                         -- the answer, until it is delivered
     headers TEXT,
     body BLOB,
     delivered INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (payer, nonce)
   ) STRICT;
   CREATE TABLE x402_channels (              -- x402 batch-settlement
     id TEXT PRIMARY KEY,
     state TEXT NOT NULL                     -- JSON
   ) STRICT;
   CREATE TABLE x402_income (
     scheme TEXT PRIMARY KEY,
     payments INTEGER NOT NULL,
     amount INTEGER NOT NULL                 -- units
   ) STRICT`,
  `CREATE TABLE pass_use (                   -- tokens that were used of a pass; an upgrade begins anew in another tier
     pass INTEGER NOT NULL,
     tier INTEGER NOT NULL,
     used INTEGER NOT NULL,
     PRIMARY KEY (pass, tier)
   ) STRICT;
   CREATE TABLE pass_seats (                 -- requests at work, with the most tokens that they can use
     id INTEGER PRIMARY KEY,
     pass INTEGER NOT NULL,
     tier INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     request_id TEXT                         -- the last request that was bought
   ) STRICT`,
  // JSON: scopes, limits, expiry, policy.
  "ALTER TABLE keys ADD COLUMN settings TEXT NOT NULL DEFAULT '{}'",
];
