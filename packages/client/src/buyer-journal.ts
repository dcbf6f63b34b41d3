/** Versions of the buyer's part of a journal, in order. */
export const BUYER_MIGRATIONS: readonly string[] = [
  `CREATE TABLE channels (
     id TEXT PRIMARY KEY,
     provider TEXT NOT NULL,
     config TEXT NOT NULL,
     deposit INTEGER NOT NULL,               -- units in escrow, as last confirmed
     owed INTEGER NOT NULL DEFAULT 0,        -- units of accepted receipts; vouchers say the same
     signature TEXT,                         -- of the voucher over owed
     open INTEGER NOT NULL DEFAULT 1
   ) STRICT;
   CREATE INDEX channels_by_provider ON channels (provider);
   CREATE TABLE requests (
     id TEXT PRIMARY KEY,
     channel_id TEXT NOT NULL REFERENCES channels (id),
     provider TEXT NOT NULL,
     peer_id TEXT NOT NULL,
     model TEXT NOT NULL,
     account TEXT NOT NULL,                  -- whose budget it is
     state TEXT NOT NULL,                    -- started, done, failed, broken, disputed
     reserved INTEGER NOT NULL,              -- most that may still be asked for it
     cost INTEGER NOT NULL DEFAULT 0,
     started_at INTEGER NOT NULL,
     request BLOB NOT NULL,
     provider_nonce TEXT,
     tokens BLOB,
     text TEXT,
     receipt TEXT,
     fault TEXT
   ) STRICT;
   CREATE INDEX requests_by_channel ON requests (channel_id, state);
   CREATE INDEX requests_by_account ON requests (account)`,
  // Sums by account, so that a budget is looked up and not added up; tokens, so that statements need no receipts; and
  // the way of a channel back to the wallet.
  `CREATE TABLE accounts (
     name TEXT PRIMARY KEY,
     spent INTEGER NOT NULL DEFAULT 0,       -- units of receipts that were paid
     reserved INTEGER NOT NULL DEFAULT 0     -- units that requests under way may still cost
   ) STRICT;
   INSERT INTO accounts SELECT account, sum(cost), sum(reserved) FROM requests GROUP BY account;
   ALTER TABLE requests ADD COLUMN prompt_tokens INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE requests ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE requests ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE requests ADD COLUMN pass INTEGER;
   UPDATE requests SET
     prompt_tokens = coalesce(json_extract(receipt, '$.receipt.promptTokens'), 0),
     cached_tokens = coalesce(json_extract(receipt, '$.receipt.cachedTokens'), 0),
     output_tokens = coalesce(json_extract(receipt, '$.receipt.outputTokens'), 0)
     WHERE state IN ('done', 'disputed');
   DROP INDEX requests_by_account;
   CREATE INDEX requests_by_account ON requests (account, started_at);
   CREATE INDEX requests_by_time ON requests (started_at);
   ALTER TABLE channels ADD COLUMN state TEXT NOT NULL DEFAULT 'opening'; -- opening, open, withdrawing, closed
   ALTER TABLE channels ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;    -- units claimed, as last confirmed
   ALTER TABLE channels ADD COLUMN withdraw_at INTEGER;                   -- Unix second from which the rest can be had
   ALTER TABLE channels ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0;    -- 1 once the rest is wanted back
   ALTER TABLE channels ADD COLUMN pass INTEGER;                          -- the pass that funds it, or null
   -- A channel that was not open may wait for its end on chain; reading it again tells.
   UPDATE channels SET state = CASE WHEN open = 0 THEN 'withdrawing' WHEN deposit = 0 THEN 'opening' ELSE 'open' END;
   ALTER TABLE channels DROP COLUMN open`,
  // A voucher says what is owed and is signed when it is sent; signatures over the same amount are the same.
  "ALTER TABLE channels DROP COLUMN signature",
];
