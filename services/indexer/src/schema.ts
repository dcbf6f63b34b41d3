/** Grows with every change below: an index of another version is dropped and read again from the chain. */
export const SCHEMA_VERSION = 4;

/** Everything that is kept, so that an index of another chain or version can be emptied. */
export const TABLES = [
  "events",
  "audit_events",
  "blocks",
  "progress",
  "receipts",
  "offers",
  "offer_prices",
  "presence",
  "arrivals",
  "index_history",
  "base_prices",
] as const;

const VIEWS = ["audits", "disputes", "epochs", "channels", "stakes", "operators"] as const;

/** What makes room for another version. */
export const DROP_ALL = [
  ...VIEWS.map((view) => `DROP VIEW IF EXISTS ${view} CASCADE`),
  ...TABLES.map((table) => `DROP TABLE IF EXISTS ${table} CASCADE`),
];

/*
 * Events as the chain gave them, receipts as providers signed them, offers as they were heard. Everything else is a
 * view, so that a reorganisation only has to replace events; what views look for in an event's arguments is indexed.
 */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS events (
  block BIGINT NOT NULL,
  log_index INTEGER NOT NULL,
  tx TEXT NOT NULL,
  contract TEXT NOT NULL,
  name TEXT NOT NULL,
  args JSONB NOT NULL,
  PRIMARY KEY (block, log_index)
);
CREATE INDEX IF NOT EXISTS events_by_name ON events (name, block);
CREATE INDEX IF NOT EXISTS events_by_tx ON events (tx);
CREATE INDEX IF NOT EXISTS events_by_channel ON events ((args->>'channelId'), name);
CREATE INDEX IF NOT EXISTS events_by_operator ON events ((args->>'operator'), name);
CREATE INDEX IF NOT EXISTS events_by_provider ON events ((args->>'provider'), name);
CREATE INDEX IF NOT EXISTS events_by_id ON events ((args->>'id'), name);
CREATE INDEX IF NOT EXISTS events_by_receipt ON events ((args->>'receiptDigest'));
CREATE INDEX IF NOT EXISTS events_by_pass ON events ((args->>'passId'), name);
CREATE TABLE IF NOT EXISTS audit_events (
  block BIGINT NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  provider TEXT,
  event JSONB NOT NULL,
  PRIMARY KEY (block, position)
);
CREATE TABLE IF NOT EXISTS blocks (number BIGINT PRIMARY KEY, at BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY CHECK (id = 1), genesis TEXT NOT NULL, block BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS receipts (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  class_id TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  position INTEGER NOT NULL,
  channel_id TEXT NOT NULL,
  cost NUMERIC NOT NULL,
  output_tokens BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  receipt JSONB NOT NULL
);
CREATE INDEX IF NOT EXISTS receipts_by_provider ON receipts (provider, finished_at);
CREATE INDEX IF NOT EXISTS receipts_by_time ON receipts (finished_at, id);
CREATE INDEX IF NOT EXISTS receipts_by_request ON receipts (request_id);
CREATE INDEX IF NOT EXISTS receipts_by_channel ON receipts (channel_id);
CREATE INDEX IF NOT EXISTS receipts_by_epoch ON receipts (provider, epoch);
CREATE INDEX IF NOT EXISTS receipts_by_class ON receipts (class_id, finished_at);
CREATE TABLE IF NOT EXISTS offers (
  peer_id TEXT NOT NULL,
  class_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  region TEXT NOT NULL,
  owner TEXT,
  proof_level TEXT NOT NULL,
  output_price NUMERIC NOT NULL,
  input_price NUMERIC NOT NULL,
  first_seen BIGINT NOT NULL,
  heard_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  offer JSONB NOT NULL,
  PRIMARY KEY (peer_id, class_id)
);
CREATE INDEX IF NOT EXISTS offers_by_provider ON offers (provider, expires_at);
CREATE INDEX IF NOT EXISTS offers_by_class ON offers (class_id, heard_at);
CREATE TABLE IF NOT EXISTS offer_prices (
  peer_id TEXT NOT NULL,
  class_id TEXT NOT NULL,
  model TEXT NOT NULL,
  output_price NUMERIC NOT NULL,
  input_price NUMERIC NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (peer_id, class_id, since)
);
CREATE INDEX IF NOT EXISTS offer_prices_by_model ON offer_prices (model, until);
CREATE TABLE IF NOT EXISTS arrivals (provider TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (provider, at));
CREATE TABLE IF NOT EXISTS index_history (
  at BIGINT PRIMARY KEY,
  value DOUBLE PRECISION,
  low DOUBLE PRECISION,
  high DOUBLE PRECISION,
  with_set_aside DOUBLE PRECISION,
  weakest TEXT,
  scores JSONB NOT NULL
);
CREATE TABLE IF NOT EXISTS base_prices (
  model TEXT NOT NULL,
  at BIGINT NOT NULL,
  price NUMERIC NOT NULL,
  utilisation DOUBLE PRECISION,
  PRIMARY KEY (model, at)
);
CREATE TABLE IF NOT EXISTS presence (provider TEXT NOT NULL, minute BIGINT NOT NULL, PRIMARY KEY (provider, minute));

CREATE OR REPLACE VIEW operators AS
SELECT DISTINCT ON (args->>'operator')
  args->>'operator' AS operator, (args->>'role')::int AS role, args->>'receiptKey' AS receipt_key, name <> 'Deregistered' AS active, block AS since_block
FROM events WHERE name IN ('Registered', 'Updated', 'Deregistered')
ORDER BY args->>'operator', block DESC, log_index DESC;

CREATE OR REPLACE VIEW stakes AS
SELECT DISTINCT ON (changed.args->>'operator') changed.args->>'operator' AS operator, changed.args->>'stake' AS stake,
  (SELECT args->>'totalSlots' FROM events WHERE name = 'Bonded' AND args->>'operator' = changed.args->>'operator'
    ORDER BY block DESC, log_index DESC LIMIT 1) AS slots
FROM events changed WHERE changed.name IN ('Bonded', 'Unbonded', 'Slashed')
ORDER BY changed.args->>'operator', changed.block DESC, changed.log_index DESC;

CREATE OR REPLACE VIEW channels AS
SELECT
  opened.args->>'channelId' AS id, opened.args->>'payer' AS payer, opened.args->>'receiver' AS receiver, opened.block AS opened_block,
  (opened.args->>'amount')::numeric
    + coalesce((SELECT sum((args->>'amount')::numeric) FROM events WHERE name = 'ToppedUp' AND args->>'channelId' = opened.args->>'channelId'), 0)
    - coalesce((SELECT sum((args->>'amount')::numeric) FROM events WHERE name = 'Refunded' AND args->>'channelId' = opened.args->>'channelId'), 0) AS deposit,
  coalesce((SELECT max((args->>'settled')::numeric) FROM events WHERE name = 'Claimed' AND args->>'channelId' = opened.args->>'channelId'), 0) AS settled,
  EXISTS (SELECT 1 FROM events WHERE name = 'ChannelClosed' AND args->>'channelId' = opened.args->>'channelId') AS closed
FROM events opened WHERE opened.name = 'ChannelOpened';

CREATE OR REPLACE VIEW epochs AS
SELECT posted.args->>'provider' AS provider, (posted.args->>'epoch')::bigint AS epoch, posted.args->>'root' AS root, (posted.args->>'count')::int AS count,
  (posted.args->>'totalCost')::numeric AS cost, posted.tx, posted.block,
  (SELECT args->>'beacon' FROM events WHERE name = 'BeaconDrawn' AND args->>'provider' = posted.args->>'provider' AND args->>'epoch' = posted.args->>'epoch') AS beacon
FROM events posted WHERE posted.name = 'RootPosted';

CREATE OR REPLACE VIEW disputes AS
SELECT opened.args->>'id' AS id, opened.args->>'accused' AS accused, opened.args->>'challenger' AS challenger,
  opened.args->>'receiptDigest' AS receipt_id, opened.tx, opened.block AS opened_block,
  (SELECT args->>'appellant' FROM events WHERE name = 'Appealed' AND args->>'id' = opened.args->>'id') AS appellant,
  (ARRAY['pass', 'inconclusive', 'fail', 'timeout'])[(final.args->>'outcome')::int] AS outcome,
  (final.args->>'salt')::boolean AS salt, (final.args->>'slashed')::numeric AS slashed, final.block AS closed_block
FROM events opened LEFT JOIN events final ON final.name = 'Finalised' AND final.args->>'id' = opened.args->>'id'
WHERE opened.name IN ('DisputeOpened', 'RecordDisputeOpened');

CREATE OR REPLACE VIEW audits AS
SELECT args->>'receiptDigest' AS receipt_id, args->>'provider' AS provider, args->>'validator' AS validator, (args->>'epoch')::bigint AS epoch,
  args->>'classId' AS class_id,
  (ARRAY['pass', 'inconclusive', 'fail'])[(args->>'verdict')::int] AS verdict, (args->>'tokens')::bigint AS tokens,
  (args->>'marginMicros')::bigint AS margin_micros, args->>'evidenceHash' AS evidence_hash, tx, block, log_index, (args->>'mismatches')::bigint AS mismatches
FROM events WHERE name = 'Attested';
`;
