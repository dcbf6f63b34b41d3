import type { PROVIDER_SORTS, Provider } from "@depinfer/protocol/api";
import type { SqlRow } from "../database.ts";
import { OBSERVER } from "../offer-index.ts";
import { seriesOf } from "./network-routes.ts";
import { AT, type Handlers, offsetOf, page, type Reader, requireRow } from "./reader.ts";

const DAY_MS = 86_400_000;
/** 97.5 % quantile of the normal distribution: Wilson's interval at 95 %. */
const Z = 1.959964;

/** Everything about providers; `$1` is now, `$2` the start of the day that uptime is about. */
const PROVIDERS = `SELECT o.operator AS provider, o.receipt_key AS "receiptKey", o.active, ${AT("o.since_block")} AS since,
  coalesce(live.online, FALSE) AS online, coalesce(live.models, '[]') AS models, coalesce(live.regions, '[]') AS regions,
  coalesce(live.levels, '[]') AS levels, live.adversary,
  coalesce(s.stake, '0') AS stake, coalesce(s.slots::bigint, 0) AS slots,
  coalesce(r.receipts, 0) AS receipts, coalesce(r.tokens, 0)::bigint AS tokens, r.p50, r.p90, r.speed,
  coalesce(c.earned, 0)::text AS earned,
  coalesce(a.pass, 0) AS pass, coalesce(a.inconclusive, 0) AS inconclusive, coalesce(a.fail, 0) AS fail, coalesce(a.mismatches, 0)::bigint AS mismatches,
  (SELECT count(*) FROM disputes d WHERE d.accused = o.operator AND d.outcome IN ('fail', 'timeout')) AS lost,
  p.present, CASE WHEN (SELECT min(minute) FROM presence WHERE provider = o.operator) <= $2
    THEN (SELECT count(*) FROM presence WHERE provider = '${OBSERVER}' AND minute >= $2)
    ELSE (SELECT count(*) FROM presence WHERE provider = '${OBSERVER}' AND minute >= (SELECT min(minute) FROM presence WHERE provider = o.operator))
  END AS observed
FROM operators o
LEFT JOIN stakes s ON s.operator = o.operator
LEFT JOIN (SELECT provider, bool_or(expires_at > $1) AS online,
    jsonb_agg(DISTINCT model) FILTER (WHERE expires_at > $1) AS models, jsonb_agg(DISTINCT region) FILTER (WHERE expires_at > $1) AS regions,
    jsonb_agg(DISTINCT proof_level) FILTER (WHERE expires_at > $1) AS levels, max(offer->>'adversary') AS adversary
  FROM offers GROUP BY provider) live ON live.provider = o.operator
LEFT JOIN (SELECT provider, count(*) AS receipts, sum(output_tokens) AS tokens,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY finished_at - started_at) AS p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY finished_at - started_at) AS p90,
    (sum(output_tokens) * 1000.0 / nullif(sum(finished_at - started_at), 0))::float8 AS speed
  FROM receipts GROUP BY provider) r ON r.provider = o.operator
LEFT JOIN (SELECT opened.args->>'receiver' AS receiver, sum((claimed.args->>'amount')::numeric) AS earned
  FROM events claimed JOIN events opened ON opened.name = 'ChannelOpened' AND opened.args->>'channelId' = claimed.args->>'channelId'
  WHERE claimed.name = 'Claimed' AND claimed.contract = 'channels' GROUP BY 1) c ON c.receiver = o.operator
LEFT JOIN (SELECT provider, count(*) FILTER (WHERE verdict = 'pass') AS pass, count(*) FILTER (WHERE verdict = 'inconclusive') AS inconclusive,
    count(*) FILTER (WHERE verdict = 'fail') AS fail, sum(mismatches) AS mismatches FROM audits GROUP BY provider) a ON a.provider = o.operator
LEFT JOIN (SELECT provider, count(*) AS present FROM presence WHERE minute >= $2 GROUP BY provider) p ON p.provider = o.operator
WHERE o.role = 1`;

function view(row: SqlRow): View {
  const { levels, tokens, p50, p90, speed, pass, inconclusive, fail, lost, present, observed, ...rest } = row;
  const uptime = uptimeOf(Number(present ?? 0), Number(observed ?? 0));
  const bound = wilson(Number(pass), Number(pass) + Number(fail));
  return {
    ...rest,
    proofLevels: levels,
    outputTokens: tokens,
    latency: p50 === null ? null : { p50Ms: Number(p50), p90Ms: Number(p90) },
    tokensPerSecond: speed === null ? null : Number(speed),
    audits: { pass, inconclusive, fail },
    disputesLost: lost,
    uptime,
    reputation: bound === null ? null : bound * (uptime ?? 0),
  };
}

/** Null where it was never seen. A minute in which it spoke may be one that the indexer had not counted yet. */
function uptimeOf(present: number, observed: number): number | null {
  return present === 0 ? null : Math.min(1, present / Math.max(observed, present));
}

/** Lower end of Wilson's interval (1927) for `passes` of `judged`; null for none. */
export function wilson(passes: number, judged: number): number | null {
  if (judged === 0) {
    return null;
  }
  const share = passes / judged;
  const z2 = (Z * Z) / judged;
  const spread = Z * Math.sqrt((share * (1 - share)) / judged + z2 / (4 * judged));
  return Math.max(0, (share + z2 / 2 - spread) / (1 + z2));
}

type View = SqlRow & Pick<Provider, "latency" | "uptime" | "reputation">;

const SORTS: Readonly<Record<(typeof PROVIDER_SORTS)[number], (row: View) => number | string | null>> = {
  provider: ({ provider }) => String(provider),
  earned: ({ earned }) => Number(earned),
  stake: ({ stake }) => Number(stake),
  receipts: ({ receipts }) => Number(receipts),
  latency: ({ latency }) => latency?.p50Ms ?? null,
  uptime: ({ uptime }) => uptime,
  reputation: ({ reputation }) => reputation,
};

async function allProviders({ db, shared }: Reader): Promise<readonly View[]> {
  const now = Date.now();
  const rows = await shared.providers(() => db.query(`${PROVIDERS} ORDER BY o.operator`, [now, now - DAY_MS]));
  return rows.map(view);
}

export const providerHandlers: Handlers<
  "providers" | "provider" | "earnings" | "presence" | "evidence" | "validators"
> = {
  async providers(reader, { sort, order, limit, after }) {
    const of = SORTS[sort];
    const sign = order === "desc" ? -1 : 1;
    const rows = (await allProviders(reader)).toSorted((a, b) => {
      const [x, y] = [of(a), of(b)];
      // Rows without a value come last in either order.
      return x === null || y === null ? Number(x === null) - Number(y === null) : x < y ? -sign : x > y ? sign : 0;
    });
    const start = offsetOf(after);
    const next = start + limit < rows.length ? String(start + limit) : null;
    return { data: rows.slice(start, start + limit), next };
  },
  async provider(reader, _, { provider = "" }) {
    const now = Date.now();
    const [row] = await reader.db.query(`${PROVIDERS} AND o.operator = $3`, [
      now,
      now - DAY_MS,
      provider.toLowerCase(),
    ]);
    return view(requireRow(row, `Provider ${provider}`));
  },
  earnings: (reader, query, { provider = "" }) => seriesOf(reader, "settled", query, provider.toLowerCase()),
  async presence({ db }, { since }, { provider = "" }) {
    const data = await db.query(
      `SELECT seen.minute AS at, EXISTS (SELECT 1 FROM presence own WHERE own.provider = $1 AND own.minute = seen.minute) AS online
       FROM presence seen WHERE seen.provider = '${OBSERVER}' AND seen.minute >= $2 ORDER BY 1 LIMIT 50000`,
      [provider.toLowerCase(), since ?? Date.now() - DAY_MS],
    );
    return { data };
  },
  async evidence({ db, auditRate }, _, { provider = "" }) {
    const account = provider.toLowerCase();
    const [progress] = await db.query("SELECT block FROM progress");
    const rows = await db.query(
      `SELECT ${AT("block")} AS at, event FROM audit_events WHERE provider = $1 OR kind IN ('provider', 'joined', 'classes', 'leaving', 'left')
       ORDER BY block, position`,
      [account],
    );
    return { provider: account, block: Number(progress?.block ?? 0), auditRate, events: rows };
  },
  validators: (reader, query) =>
    page(
      reader,
      `SELECT o.operator AS validator, o.active, ${AT("o.since_block")} AS since, coalesce(s.stake, '0') AS stake,
         jsonb_build_object('pass', coalesce(a.pass, 0), 'inconclusive', coalesce(a.inconclusive, 0), 'fail', coalesce(a.fail, 0)) AS audits,
         ${AT("a.last")} AS "lastAuditAt"
       FROM operators o LEFT JOIN stakes s ON s.operator = o.operator
       LEFT JOIN (SELECT validator, max(block) AS last, count(*) FILTER (WHERE verdict = 'pass') AS pass,
           count(*) FILTER (WHERE verdict = 'inconclusive') AS inconclusive, count(*) FILTER (WHERE verdict = 'fail') AS fail
         FROM audits GROUP BY validator) a ON a.validator = o.operator
       WHERE o.role = 2 ORDER BY o.operator`,
      [],
      query,
    ),
};
