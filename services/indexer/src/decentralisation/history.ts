import { setTimeout } from "node:timers/promises";
import { errorMessage, type Log } from "@depinfer/protocol";
import type { Decentralisation } from "@depinfer/protocol/api";
import type { Database } from "../database.ts";
import { measureIndex } from "./measure.ts";
import type { SetAside } from "./measured-layer.ts";

/** The index over the last day is noted so often; after a day one of each hour is kept. */
const EVERY_MS = 15_000;
const HOUR_MS = 3_600_000;
const FINE_MS = 24 * HOUR_MS;

/** Notes the index from time to time until the signal aborts. */
export async function keepIndexHistory(
  { db, log }: { readonly db: Database; readonly log: Log },
  setAside: SetAside,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await noteIndex(db, await measureIndex(db, "day", Date.now(), setAside));
    } catch (error) {
      log("warn", `the index was not noted, will be tried again: ${errorMessage(error)}`);
    }
    await setTimeout(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function noteIndex(
  db: Database,
  { at, index, interval, withSetAside, weakest, layers }: Decentralisation,
): Promise<void> {
  const scores = Object.fromEntries(layers.flatMap(({ name, score }) => (score === null ? [] : [[name, score]])));
  await db.query(
    `INSERT INTO index_history (at, value, low, high, with_set_aside, weakest, scores) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (at) DO NOTHING`,
    [at, index, interval?.low ?? null, interval?.high ?? null, withSetAside, weakest, JSON.stringify(scores)],
  );
  await db.query(
    `DELETE FROM index_history old WHERE at < $1 AND EXISTS
       (SELECT 1 FROM index_history earlier WHERE earlier.at / ${HOUR_MS} = old.at / ${HOUR_MS} AND earlier.at < old.at)`,
    [at - FINE_MS],
  );
}
