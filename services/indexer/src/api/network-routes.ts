import type { Handlers, Reader } from "./reader.ts";
import { badQuery } from "./reader.ts";

const DAY_MS = 86_400_000;
const MOST_POINTS = 2_000;
/** Points when nobody says since when. */
const POINTS = 60;

/** Counts from `$1` on, ms; all of time for 0. */
const TOTALS = `SELECT
  (SELECT count(*) FROM receipts WHERE finished_at >= $1::bigint) AS requests,
  (SELECT coalesce(sum(output_tokens), 0)::bigint FROM receipts WHERE finished_at >= $1::bigint) AS tokens,
  (SELECT coalesce(sum((e.args->>'amount')::numeric), 0)::text FROM events e LEFT JOIN blocks b ON b.number = e.block
    WHERE e.name = 'Claimed' AND e.contract = 'channels' AND ($1::bigint = 0 OR b.at >= $1::bigint)) AS settled,
  count(*) FILTER (WHERE a.verdict = 'pass') AS pass, count(*) FILTER (WHERE a.verdict = 'inconclusive') AS inconclusive,
  count(*) FILTER (WHERE a.verdict = 'fail') AS fail
FROM (SELECT verdict FROM audits x LEFT JOIN blocks b ON b.number = x.block WHERE $1::bigint = 0 OR b.at >= $1::bigint) a`;

async function totals({ db }: Reader, since: number) {
  const [row] = await db.query(TOTALS, [since]);
  const { requests = 0, tokens = 0, settled = "0", pass = 0, inconclusive = 0, fail = 0 } = row ?? {};
  return { requests, outputTokens: tokens, settled, audits: { pass, inconclusive, fail } };
}

const STATE = `SELECT
  coalesce((SELECT block FROM progress), 0) AS block,
  (SELECT b.at FROM progress p JOIN blocks b ON b.number = p.block) AS "blockAt",
  (SELECT count(*) FROM operators WHERE role = 1 AND active) AS registered,
  (SELECT count(DISTINCT provider) FROM offers WHERE expires_at > $1) AS online,
  (SELECT count(*) FROM operators WHERE role = 2 AND active) AS validators,
  (SELECT count(DISTINCT model) FROM offers WHERE expires_at > $1) AS models,
  (SELECT count(*) FROM channels WHERE NOT closed) AS "openChannels",
  (SELECT coalesce(sum(deposit - settled), 0)::text FROM channels WHERE NOT closed) AS locked,
  (SELECT coalesce(sum(stake::numeric), 0)::text FROM stakes) AS staked,
  (SELECT count(*) FROM disputes WHERE outcome IS NULL) AS "openDisputes",
  (SELECT count(*) FROM epochs) AS epochs`;

interface Bucketed {
  readonly bucket: number;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Start, end and width of the buckets that were asked for, ms. @throws DepinferError `index.badQuery`. */
export function bucketsOf({ bucket, since, until }: Bucketed, now: number) {
  const width = bucket * 1_000;
  const end = until ?? Math.ceil(now / width) * width;
  const start = since ?? Math.max(0, end - POINTS * width);
  const points = Math.ceil((end - start) / width);
  if (points < 1 || points > MOST_POINTS) {
    throw badQuery(
      "since",
      String(start),
      `Ask for 1 to ${MOST_POINTS} buckets; from there to ${end} there are ${points}`,
    );
  }
  return { start, end, width, points };
}

const SERIES = {
  requests:
    "SELECT finished_at AS at, 1 AS value FROM receipts WHERE finished_at >= $1 AND finished_at < $2 AND ($4::text IS NULL OR provider = $4)",
  outputTokens:
    "SELECT finished_at AS at, output_tokens AS value FROM receipts WHERE finished_at >= $1 AND finished_at < $2 AND ($4::text IS NULL OR provider = $4)",
  settled: `SELECT b.at, (e.args->>'amount')::numeric AS value FROM events e JOIN blocks b ON b.number = e.block
    WHERE e.name = 'Claimed' AND e.contract = 'channels' AND b.at >= $1 AND b.at < $2
      AND ($4::text IS NULL OR EXISTS (SELECT 1 FROM events o WHERE o.name = 'ChannelOpened' AND o.args->>'channelId' = e.args->>'channelId' AND o.args->>'receiver' = $4))`,
  audits:
    "SELECT b.at, 1 AS value FROM audits a JOIN blocks b ON b.number = a.block WHERE b.at >= $1 AND b.at < $2 AND ($4::text IS NULL OR a.provider = $4)",
  failedAudits:
    "SELECT b.at, 1 AS value FROM audits a JOIN blocks b ON b.number = a.block WHERE a.verdict = 'fail' AND b.at >= $1 AND b.at < $2 AND ($4::text IS NULL OR a.provider = $4)",
} as const;

/** One figure in buckets, empty ones as 0. */
export async function seriesOf(
  { db }: Reader,
  metric: keyof typeof SERIES,
  asked: Bucketed,
  provider: string | null,
): Promise<unknown> {
  const { start, end, width, points } = bucketsOf(asked, Date.now());
  const rows = await db.query(
    `SELECT floor((x.at - $1::bigint) / $3::numeric)::int AS slot, sum(x.value)::float8 AS value FROM (${SERIES[metric]}) x GROUP BY 1`,
    [start, end, width, provider],
  );
  const bySlot = new Map(rows.map(({ slot, value }) => [Number(slot), Number(value)]));
  return {
    metric,
    bucket: asked.bucket,
    points: Array.from({ length: points }, (_, slot) => ({ at: start + slot * width, value: bySlot.get(slot) ?? 0 })),
  };
}

async function overviewOf(reader: Reader): Promise<unknown> {
  const now = Date.now();
  const [total, day, [state]] = await Promise.all([
    totals(reader, 0),
    totals(reader, now - DAY_MS),
    reader.db.query(STATE, [now]),
  ]);
  const { registered, online, ...rest } = state ?? {};
  const { chainId, addresses } = reader.deployment;
  return { chainId, contracts: addresses, ...rest, total, day, providers: { registered, online } };
}

export const networkHandlers: Handlers<"version" | "overview" | "series"> = {
  version: async () => ({ api: "depinfer-indexer", version: 1, time: Date.now() }),
  overview: (reader) => reader.shared.overview(() => overviewOf(reader)),
  series: (reader, query) => seriesOf(reader, query.metric, query, query.provider ?? null),
};
