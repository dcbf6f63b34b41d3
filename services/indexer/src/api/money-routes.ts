import { AT, EVENT, type Handlers, page, requireRow, wholeNumber } from "./reader.ts";

export const CHANNEL = `c.id, c.payer, c.receiver, c.deposit::text AS deposit, c.settled::text AS settled, c.closed,
  c.opened_block AS "openedBlock", ${AT("c.opened_block")} AS "openedAt"`;

/** Passes as their events leave them. `end` is in seconds. */
const PASSES = `SELECT b.args->>'passId' AS id,
  coalesce((SELECT args->>'tierId' FROM events WHERE name = 'PassUpgraded' AND args->>'passId' = b.args->>'passId' ORDER BY block DESC, log_index DESC LIMIT 1), b.args->>'tierId') AS tier,
  coalesce((SELECT args->>'to' FROM events WHERE name IN ('Transfer', 'TransferSingle') AND contract = 'passes' AND coalesce(args->>'passId', args->>'id') = b.args->>'passId' ORDER BY block DESC, log_index DESC LIMIT 1), b.args->>'holder') AS holder,
  coalesce((SELECT args->>'operator' FROM events WHERE name = 'OperatorSet' AND args->>'passId' = b.args->>'passId' ORDER BY block DESC, log_index DESC LIMIT 1), b.args->>'operator') AS operator,
  ((b.args->>'paid')::numeric + coalesce((SELECT sum((args->>'paid')::numeric) FROM events WHERE name IN ('PassRenewed', 'PassUpgraded') AND args->>'passId' = b.args->>'passId'), 0))::text AS paid,
  ${AT("b.block")} AS "startsAt",
  1000 * coalesce((SELECT args->>'endedAt' FROM events WHERE name = 'PassEnded' AND args->>'passId' = b.args->>'passId' LIMIT 1),
    (SELECT args->>'end' FROM events WHERE name IN ('PassRenewed', 'PassUpgraded') AND args->>'passId' = b.args->>'passId' ORDER BY block DESC, log_index DESC LIMIT 1),
    b.args->>'end')::bigint AS "endsAt",
  EXISTS (SELECT 1 FROM events WHERE name = 'PassEnded' AND args->>'passId' = b.args->>'passId') AS ended,
  EXISTS (SELECT 1 FROM events WHERE name = 'PassSettled' AND args->>'passId' = b.args->>'passId') AS settled,
  b.tx, b.block, b.log_index FROM events b WHERE b.name = 'PassBought'`;

const PASS = `x.id, x.tier, x.holder, x.operator, x.paid, x."startsAt", x."endsAt", x.tx,
  CASE WHEN x.settled THEN 'settled' WHEN x.ended THEN 'ended' WHEN x."endsAt" < $1 THEN 'expired' ELSE 'active' END AS status`;

export const moneyHandlers: Handlers<"channels" | "channel" | "tiers" | "passes" | "pass"> = {
  channels: (reader, { payer, provider, open, ...rest }) =>
    page(
      reader,
      `SELECT ${CHANNEL} FROM channels c WHERE ($1::text IS NULL OR c.payer = $1) AND ($2::text IS NULL OR c.receiver = $2)
         AND ($3::boolean IS NULL OR c.closed <> $3) ORDER BY c.opened_block DESC, c.id`,
      [payer ?? null, provider ?? null, open ?? null],
      rest,
    ),
  async channel({ db }, _, { id = "" }) {
    const [row] = await db.query(`SELECT ${CHANNEL} FROM channels c WHERE c.id = $1`, [id.toLowerCase()]);
    const found = requireRow(row, `Channel ${id}`);
    const events = await db.query(
      `SELECT ${EVENT} FROM events e WHERE e.args->>'channelId' = $1 ORDER BY e.block, e.log_index`,
      [String(found.id)],
    );
    return { ...found, events };
  },
  async tiers({ db }) {
    const data = await db.query(
      `SELECT t.args->>'tierId' AS id, t.args->>'issuer' AS issuer, t.args->>'price' AS price, (t.args->>'period')::bigint AS "periodSeconds",
         t.args->>'quota' AS quota, (SELECT count(*) FROM events b WHERE b.name IN ('PassBought', 'PassUpgraded') AND b.args->>'tierId' = t.args->>'tierId') AS sold
       FROM events t WHERE t.name = 'TierCreated' ORDER BY t.block, t.log_index`,
    );
    return { data };
  },
  passes: (reader, { holder, ...rest }) =>
    page(
      reader,
      `SELECT ${PASS} FROM (${PASSES}) x WHERE ($2::text IS NULL OR x.holder = $2) ORDER BY x.block DESC, x.log_index DESC`,
      [Date.now(), holder ?? null],
      rest,
    ),
  async pass({ db }, _, { id = "" }) {
    const [row] = await db.query(`SELECT ${PASS} FROM (${PASSES}) x WHERE x.id = $2`, [
      Date.now(),
      wholeNumber(id) ?? "",
    ]);
    const found = requireRow(row, `Pass ${id}`);
    const events = await db.query(
      `SELECT ${EVENT} FROM events e WHERE e.args->>'passId' = $1 ORDER BY e.block, e.log_index`,
      [String(found.id)],
    );
    return { ...found, events };
  },
};
