import { measureIndex } from "../decentralisation/measure.ts";
import { badQuery, type Handlers } from "./reader.ts";

const MOST_POINTS = 1_000;
const DAY_MS = 86_400_000;

/** The last point of each of `$3` equal stretches, from the first point since `$1` to `$2`. */
const HISTORY = `SELECT DISTINCT ON (stretch) at, value AS index, low, high, with_set_aside AS "withSetAside", weakest, scores
FROM (SELECT *, (at - min(at) OVER ()) * $3::bigint / ($2::bigint - min(at) OVER () + 1) AS stretch
  FROM index_history WHERE at >= $1 AND at <= $2) thinned
ORDER BY stretch, at DESC`;

export const decentralisationHandlers: Handlers<"index" | "indexHistory"> = {
  index: ({ db, setAside, shared }, { window }) =>
    shared.index[window](() => measureIndex(db, window, Date.now(), setAside)),
  async indexHistory({ db }, { since, until = Date.now() }) {
    const start = since ?? until - DAY_MS;
    if (start > until) {
      throw badQuery("since", String(start), `Give a time before ${until}`);
    }
    return { data: await db.query(HISTORY, [Math.max(0, start), until, MOST_POINTS]) };
  },
};
