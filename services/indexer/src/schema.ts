/*
 * Events as the chain gave them, receipts as providers signed them, offers as they were heard. Everything else is a
 * view, so that a reorganisation only has to replace events.
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
CREATE INDEX IF NOT EXISTS events_by_name ON events (name);
CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY CHECK (id = 1), genesis TEXT NOT NULL, block BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS receipts (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  channel_id TEXT NOT NULL,
  cost NUMERIC NOT NULL,
  output_tokens BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  receipt JSONB NOT NULL
);
CREATE INDEX IF NOT EXISTS receipts_by_provider ON receipts (provider, finished_at);
CREATE INDEX IF NOT EXISTS receipts_by_request ON receipts (request_id);
CREATE TABLE IF NOT EXISTS offers (
  peer_id TEXT NOT NULL,
  class_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  offer JSONB NOT NULL,
  PRIMARY KEY (peer_id, class_id)
);

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
  (ARRAY['pass', 'inconclusive', 'fail'])[(args->>'verdict')::int] AS verdict, (args->>'tokens')::bigint AS tokens,
  (args->>'marginMicros')::numeric / 1000000 AS margin_nats, args->>'evidenceHash' AS evidence_hash, tx, block, (args->>'mismatches')::bigint AS mismatches
FROM events WHERE name = 'Attested';
`;
