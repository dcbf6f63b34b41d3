import type { Database } from "../database.ts";
import { OBSERVER, PRESENCE_KEPT_MS } from "../offer-index.ts";
import { liveMarkets, utilisations } from "./slots.ts";

const MINUTE_MS = 60_000;

/** What was asked of every model that was ever offered, `$1` to `$2`, ms. A class belongs to the model under which it was offered last. */
const SERVED = `WITH newest AS (
  SELECT DISTINCT ON (class_id) class_id, model FROM offers ORDER BY class_id, heard_at DESC),
served AS (
  SELECT n.model, count(*) AS requests, sum((r.receipt->'receipt'->>'promptTokens')::bigint) AS prompt, sum(r.output_tokens) AS output,
    sum(r.cost) AS paid
  FROM receipts r JOIN newest n ON n.class_id = r.class_id WHERE r.finished_at >= $1 AND r.finished_at < $2 GROUP BY n.model)
SELECT o.model, coalesce(s.requests, 0) AS requests, coalesce(s.prompt, 0)::bigint AS "promptTokens", coalesce(s.output, 0)::bigint AS "outputTokens",
  (s.prompt::float8 / nullif(s.output, 0)) AS "promptPerOutput", coalesce(s.paid, 0)::text AS paid
FROM (SELECT DISTINCT model FROM offers WHERE $3::text IS NULL OR model = $3) o LEFT JOIN served s ON s.model = o.model ORDER BY o.model`;

/** The market of each model over a time, as the API tells it. */
export async function readConditions(db: Database, since: number, until: number, model: string | null) {
  const [served, used, live] = await Promise.all([
    db.query(SERVED, [since, until, model]),
    // Nobody knows any more who was there before.
    utilisations(db, Math.max(since, until - PRESENCE_KEPT_MS), until, model),
    liveMarkets(db, until, model),
  ]);
  return served.map((row) => ({
    ...row,
    ...(live.get(String(row.model)) ?? { providers: 0, slots: 0, inputPrice: null, outputPrice: null }),
    utilisation: used.get(String(row.model)) ?? null,
  }));
}

/** What one provider did in each group, ms `$2` to `$3`; `$4` is the width of a group, or null for models. */
const WORK = `SELECT CASE WHEN $4::bigint IS NULL THEN n.model ELSE (r.finished_at - r.finished_at % $4::bigint)::text END AS key,
  count(*) AS requests, sum((r.receipt->'receipt'->>'promptTokens')::bigint)::bigint AS prompt, sum(r.output_tokens)::bigint AS output,
  sum(r.cost)::text AS paid, sum(greatest(0, r.finished_at - r.started_at))::bigint AS work
FROM receipts r LEFT JOIN (SELECT DISTINCT ON (class_id) class_id, model FROM offers ORDER BY class_id, heard_at DESC) n ON n.class_id = r.class_id
WHERE r.provider = $1 AND r.finished_at >= $2 AND r.finished_at < $3 GROUP BY 1`;

const ONLINE = `SELECT CASE WHEN $4::bigint IS NULL THEN '' ELSE (minute - minute % $4::bigint)::text END AS key, count(*) AS minutes
FROM presence WHERE provider = $1 AND provider <> '${OBSERVER}' AND minute >= $2 AND minute < $3 GROUP BY 1`;

const SLOTS = `SELECT coalesce((SELECT slots::bigint FROM stakes WHERE operator = $1), (SELECT sum((offer->>'slots')::bigint) FROM offers WHERE provider = $1), 0)::bigint AS slots`;

export interface Work {
  readonly key: string | null;
  readonly requests: number;
  readonly prompt: number;
  readonly output: number;
  readonly paid: string;
  /** Ms that requests took, all slots together. */
  readonly work: number;
}

/** What a provider did and when it was seen, by the start of a group or by model. @param width ms; null for models. */
export async function readStatement(
  db: Database,
  provider: string,
  since: number,
  until: number,
  width: number | null,
) {
  const values = [provider, since, until, width];
  const [work, online, [stake]] = await Promise.all([
    db.query(WORK, values),
    db.query(ONLINE, values),
    db.query(SLOTS, [provider]),
  ]);
  return {
    slots: Number(stake?.slots ?? 0),
    online: new Map(online.map(({ key, minutes }) => [String(key), Number(minutes) * MINUTE_MS])),
    work: work.map(
      (row): Work => ({
        key: row.key === null ? null : String(row.key),
        requests: Number(row.requests),
        prompt: Number(row.prompt),
        output: Number(row.output),
        paid: String(row.paid),
        work: Number(row.work),
      }),
    ),
  };
}
