import { setTimeout } from "node:timers/promises";
import { GAIN, nextBasePriceDown, TARGET_UTILISATION } from "@depinfer/economics";
import { errorMessage, type Log } from "@depinfer/protocol";
import type { Database } from "../database.ts";
import { notePresence } from "../offer-index.ts";
import { liveMarkets, utilisations } from "./slots.ts";

/** Points of its history that a model's base price is told with. */
const MOST_POINTS = 500;
/** How soon a model that is new gets its price, ms. */
const LOOK_MS = 60_000;

/** Keeps the base price of each model, a step at the end of each period, until the signal aborts. */
export async function keepBasePrices(
  { db, log }: { readonly db: Database; readonly log: Log },
  periodMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      // A period may be shorter than the time between two looks at who is there.
      await notePresence(db, Date.now());
      await stepBasePrices(db, Math.floor(Date.now() / periodMs) * periodMs, periodMs);
    } catch (error) {
      log("warn", `base prices did not move, will be tried again: ${errorMessage(error)}`);
    }
    await setTimeout(Math.min(LOOK_MS, periodMs - (Date.now() % periodMs)), undefined, { signal }).catch(
      () => undefined,
    );
  }
}

/**
 * Moves each model's base price to the period that begins `at`. A model that is new begins at what is posted; one whose period
 * nobody looked at stays where it was. The period before last is what counts, since receipts of the last are not all posted yet.
 */
export async function stepBasePrices(db: Database, at: number, periodMs: number): Promise<void> {
  const [markets, known] = await Promise.all([
    liveMarkets(db, Date.now(), null),
    db.query("SELECT DISTINCT ON (model) model, at, price::text AS price FROM base_prices ORDER BY model, at DESC"),
  ]);
  const last = new Map(
    known.map(({ model, at: since, price }) => [String(model), { since: Number(since), price: BigInt(String(price)) }]),
  );
  const due = [...markets.keys()].some((model) => (last.get(model)?.since ?? at) < at);
  const used = due ? await utilisations(db, at - 2 * periodMs, at - periodMs, null) : new Map<string, number>();
  for (const [model, { outputPrice }] of markets) {
    const before = last.get(model);
    if (before !== undefined && before.since < at) {
      const utilisation = used.get(model) ?? null;
      const next = utilisation === null ? before.price : nextBasePriceDown(before.price, utilisation);
      await note(db, model, at, next, utilisation);
    } else if (before === undefined && outputPrice !== null) {
      await note(db, model, at, outputPrice < 1n ? 1n : outputPrice, null);
    }
  }
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
