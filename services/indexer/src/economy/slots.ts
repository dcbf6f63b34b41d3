import { weightedMedianDown } from "@depinfer/economics";
import type { Database } from "../database.ts";
import { OBSERVER } from "../offer-index.ts";

const MINUTE_MS = 60_000;

/*
 * Offers, durations and presence are what providers say of themselves. A slot counts only where stake is bonded for it, and no
 * provider has more time at work than its slots have time: who lies moves a figure by its own part of the bonded slots at most.
 */

/** Work of each provider for each model from `$1` to `$2`, ms, and the slots that it has on offer; `$3` is a model or null. */
const SLOT_TIME = `SELECT o.model, least(o.slots, coalesce(s.slots::bigint, 0)) AS slots,
  (SELECT count(*) FROM presence p WHERE p.provider = o.provider AND p.minute >= $1::bigint - $1::bigint % ${MINUTE_MS} AND p.minute < $2) AS minutes,
  (SELECT coalesce(sum(greatest(0, least(r.finished_at, $2::bigint) - greatest(r.started_at, $1::bigint))), 0)::bigint FROM receipts r
    WHERE r.provider = o.provider AND r.class_id = ANY (o.classes) AND r.finished_at > $1 AND r.started_at < $2) AS work
FROM (SELECT model, provider, sum((offer->>'slots')::bigint) AS slots, array_agg(class_id) AS classes FROM offers
  WHERE expires_at > $1 AND first_seen < $2 AND ($3::text IS NULL OR model = $3) GROUP BY model, provider) o
LEFT JOIN stakes s ON s.operator = o.provider`;

const LOOKED = `SELECT 1 FROM presence WHERE provider = '${OBSERVER}' AND minute >= $1::bigint - $1::bigint % ${MINUTE_MS} AND minute < $2 LIMIT 1`;

/** Live offers at `$1`, with the slots that have stake behind them. */
const LIVE = `SELECT o.model, o.provider, o.input_price::text AS input, o.output_price::text AS output, (o.offer->>'slots')::bigint AS slots,
  least(1, coalesce(s.slots::float8, 0) / nullif(sum((o.offer->>'slots')::float8) OVER (PARTITION BY o.model, o.provider), 0)) AS backed
FROM offers o LEFT JOIN stakes s ON s.operator = o.provider WHERE o.expires_at > $1 AND ($2::text IS NULL OR o.model = $2) ORDER BY o.model`;

/**
 * Share of the slot-time on offer from `from` to `to`, ms, that each model's requests took; a model is missing where this indexer
 * did not look, or nothing with stake was on offer. Receipts that are posted later than this is asked are not in it.
 */
export async function utilisations(
  db: Database,
  from: number,
  to: number,
  model: string | null,
): Promise<ReadonlyMap<string, number>> {
  const [rows, looked] = await Promise.all([db.query(SLOT_TIME, [from, to, model]), db.query(LOOKED, [from, to])]);
  const sums = new Map<string, { work: number; offered: number }>();
  for (const row of looked.length === 0 ? [] : rows) {
    // Somebody who was there in a minute was there in the part of it that is asked for.
    const offered = Number(row.slots) * Math.min(to - from, Number(row.minutes) * MINUTE_MS);
    const sum = sums.get(String(row.model)) ?? { work: 0, offered: 0 };
    sums.set(String(row.model), {
      work: sum.work + Math.min(Number(row.work), offered),
      offered: sum.offered + offered,
    });
  }
  return new Map(
    [...sums].flatMap(([name, { work, offered }]) => (offered === 0 ? [] : [[name, work / offered] as const])),
  );
}

/** What is on offer of a model now. */
export interface Market {
  readonly providers: number;
  /** With stake behind them. */
  readonly slots: number;
  /** Units per million tokens: medians in which each slot counts alike; null where there is no slot. */
  readonly inputPrice: bigint | null;
  readonly outputPrice: bigint | null;
}

/** Markets of the models that are on offer at a time, ms. */
export async function liveMarkets(
  db: Database,
  now: number,
  model: string | null,
): Promise<ReadonlyMap<string, Market>> {
  const rows = (await db.query(LIVE, [now, model])).map((row) => ({
    model: String(row.model),
    provider: String(row.provider),
    input: BigInt(String(row.input)),
    output: BigInt(String(row.output)),
    slots: Number(row.slots) * Number(row.backed ?? 0),
  }));
  return new Map(
    [...Map.groupBy(rows, (row) => row.model)].map(([name, offers]) => [
      name,
      {
        providers: new Set(offers.map(({ provider }) => provider)).size,
        slots: Math.round(offers.reduce((sum, { slots }) => sum + slots, 0)),
        inputPrice: weightedMedianDown(offers.map(({ input, slots }) => ({ value: input, weight: slots }))),
        outputPrice: weightedMedianDown(offers.map(({ output, slots }) => ({ value: output, weight: slots }))),
      },
    ]),
  );
}
