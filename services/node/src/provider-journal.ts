/** Versions of the provider's part of a journal, in order. */
export const PROVIDER_MIGRATIONS: readonly string[] = [
  `CREATE TABLE channels (
     id TEXT PRIMARY KEY,
     config TEXT NOT NULL,
     vouchered INTEGER NOT NULL DEFAULT 0,   -- units of the best voucher
     signature TEXT,                         -- of the best voucher
     owed INTEGER NOT NULL DEFAULT 0,        -- sum of the receipts
     settled INTEGER NOT NULL DEFAULT 0      -- units claimed on chain, as last seen
   ) STRICT;
   CREATE TABLE receipts (
     request_id TEXT PRIMARY KEY,
     channel_id TEXT NOT NULL REFERENCES channels (id),
     peer_id TEXT NOT NULL,                  -- who may see the transcript
     audit TEXT NOT NULL,
     receipt TEXT NOT NULL,
     cumulative INTEGER NOT NULL,            -- owed on the channel with this receipt
     epoch INTEGER,
     request BLOB NOT NULL,
     provider_nonce TEXT NOT NULL,
     tokens BLOB NOT NULL,                   -- little-endian u32
     text TEXT NOT NULL
   ) STRICT;
   CREATE INDEX receipts_by_epoch ON receipts (epoch);
   CREATE INDEX receipts_by_channel ON receipts (channel_id, cumulative);
   CREATE TABLE epochs (
     epoch INTEGER PRIMARY KEY,
     root TEXT NOT NULL,
     count INTEGER NOT NULL,
     cost INTEGER NOT NULL
   ) STRICT`,
  // Channels that are closed need not be read any more; and what was forgiven to a payer has a limit.
  `ALTER TABLE channels ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE channels ADD COLUMN payer TEXT NOT NULL DEFAULT '';
   ALTER TABLE channels ADD COLUMN forgiven INTEGER NOT NULL DEFAULT 0; -- units delivered and not charged, after cancelling
   UPDATE channels SET payer = json_extract(config, '$.payer');
   CREATE INDEX channels_by_payer ON channels (payer)`,
];
