import { setTimeout } from "node:timers/promises";
import { GAIN, nextBasePriceDown, TARGET_UTILISATION } from "@depinfer/economics";
import { errorMessage, type Log } from "@depinfer/protocol";
import type { Database } from "../database.ts";
import { minuteOf, OBSERVER } from "../offer-index.ts";

/** Points of its history that a model's base price is told with. */
const MOST_POINTS = 500;

/** Models on offer at `$1`, and the median of what they cost, each offer counting by its slots. */
const POSTED = `SELECT model, percentile_disc(0.5) WITHIN GROUP (ORDER BY output_price)::text AS price
FROM offers, generate_series(1, greatest(1, least(1000, (offer->>'slots')::int))) slot WHERE expires_at > $1 GROUP BY model ORDER BY model`;

/**
 * Share of the slot-time from `$2` to `$3` that a model's requests took; null where this indexer did not look. A request that
 * began before counts from `$2` on. Receipts that are posted later than this is asked are not in it.
 */
const UTILISATION = `SELECT
  EXISTS (SELECT 1 FROM presence WHERE provider = '${OBSERVER}' AND minute >= $4 AND minute < $3) AS looked,
  (SELECT coalesce(sum(greatest(0, least(r.finished_at, $3::bigint) - greatest(r.started_at, $2::bigint))), 0)::float8 FROM receipts r
    WHERE r.finished_at > $2 AND r.started_at < $3 AND r.class_id IN (SELECT class_id FROM offers WHERE model = $1)) AS work,
  (SELECT coalesce(sum((o.offer->>'slots')::bigint), 0)::float8 * ($3::bigint - $2::bigint) FROM offers o WHERE o.model = $1
    AND EXISTS (SELECT 1 FROM presence p WHERE p.provider = o.provider AND p.minute >= $4 AND p.minute < $3)) AS offered`;

/** Keeps the base price of each model, a step at the end of each period, until the signal aborts. */
export async function keepBasePrices(
  { db, log }: { readonly db: Database; readonly log: Log },
  periodMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await stepBasePrices(db, Math.floor(Date.now() / periodMs) * periodMs, periodMs);
    } catch (error) {
      log("warn", `base prices did not move, will be tried again: ${errorMessage(error)}`);
    }
    await setTimeout(periodMs - (Date.now() % periodMs), undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Moves each model's base price to the period that begins `at`. A model that is new begins at what is posted; one whose period
 * nobody looked at stays where it was. The period before last is what counts, since receipts of the last are not all posted yet.
 */
export async function stepBasePrices(db: Database, at: number, periodMs: number): Promise<void> {
  const [posted, known] = await Promise.all([
    db.query(POSTED, [Date.now()]),
    db.query("SELECT DISTINCT ON (model) model, at, price::text AS price FROM base_prices ORDER BY model, at DESC"),
  ]);
  const last = new Map(
    known.map(({ model, at: since, price }) => [String(model), { since: Number(since), price: BigInt(String(price)) }]),
  );
  for (const { model, price } of posted) {
    const before = last.get(String(model));
    if (before === undefined) {
      await note(db, String(model), at, BigInt(String(price)) < 1n ? 1n : BigInt(String(price)), null);
    } else if (before.since < at) {
      const utilisation = await utilisationOf(db, String(model), at - 2 * periodMs, at - periodMs);
      const next = utilisation === null ? before.price : nextBasePriceDown(before.price, utilisation);
      await note(db, String(model), at, next, utilisation);
    }
  }
}

async function utilisationOf(db: Database, model: string, from: number, to: number): Promise<number | null> {
  const [row] = await db.query(UTILISATION, [model, from, to, minuteOf(from)]);
  const { looked, work, offered } = row ?? {};
  return looked !== true || Number(offered) === 0 ? null : Math.min(1, Number(work) / Number(offered));
}

async function note(db: Database, model: string, at: number, price: bigint, utilisation: number | null): Promise<void> {
  await db.query("INSERT INTO base_prices VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", [
    model,
    at,
    price.toString(),
    utilisation,
  ]);
}

/** As the API tells them. */
export async function readBasePrices(db: Database, model: string | null, periodMs: number) {
  const rows = await db.query(
    `SELECT model, at, price::text AS price, utilisation FROM (
       SELECT *, row_number() OVER (PARTITION BY model ORDER BY at DESC) AS back FROM base_prices WHERE $1::text IS NULL OR model = $1) recent
     WHERE back <= ${MOST_POINTS} ORDER BY model, at`,
    [model],
  );
  const models = [...new Set(rows.map((row) => String(row.model)))];
  return {
    target: TARGET_UTILISATION,
    gain: GAIN,
    data: models.map((name) => {
      const history = rows.filter((row) => row.model === name).map(({ model: _, ...point }) => point);
      const last = history.at(-1);
      return { model: name, period: periodMs, current: last?.price, nextAt: Number(last?.at) + periodMs, history };
    }),
  };
}
