import type { Identity } from "@depinfer/economics";
import type { Database } from "../database.ts";
import { networkOf } from "./networks.ts";

/** A provider as everybody sees it. */
export interface SeenProvider extends Identity {
  /** Slots on offer, at most those with stake behind them; 0 while it is away. */
  readonly slots: number;
  /** Null where it cannot be reached from outside, so that nothing tells where it is. */
  readonly region: string | null;
  readonly engine: string | null;
}

/** Offers that are live, and the last one of each provider that is away; `$1` is now. */
const PROVIDERS = `SELECT o.operator AS id,
  coalesce(live.slots, 0)::bigint AS offered, coalesce(s.slots::bigint, 0) AS bonded,
  last.owner, last.region, last.offer->'addresses' AS addresses, last.offer->'runtimeClass'->>'engine' AS engine,
  (SELECT jsonb_agg(a.at ORDER BY a.at) FROM arrivals a WHERE a.provider = o.operator) AS arrivals
FROM operators o
LEFT JOIN stakes s ON s.operator = o.operator
LEFT JOIN (SELECT provider, sum((offer->>'slots')::bigint) AS slots FROM offers WHERE expires_at > $1 GROUP BY provider) live ON live.provider = o.operator
LEFT JOIN LATERAL (SELECT f.owner, f.region, f.offer FROM offers f WHERE f.provider = o.operator ORDER BY f.heard_at DESC LIMIT 1) last ON TRUE
WHERE o.role = 1 ORDER BY o.since_block, o.operator`;

/** Where operators sent most of what they earned or had staked. */
const PAYOUTS = `SELECT DISTINCT ON (account) account, payout FROM (
  SELECT coalesce(args->>'receiver', args->>'operator') AS account, args->>'to' AS payout, sum((args->>'amount')::numeric) AS amount
  FROM events WHERE name IN ('EarnedWithdrawn', 'Unbonded') GROUP BY 1, 2) paid ORDER BY account, amount DESC, payout`;

const MS_PER_SECOND = 1_000;

/** All registered providers, first come first. */
export async function readProviders(db: Database, now: number): Promise<readonly SeenProvider[]> {
  const [rows, paid] = await Promise.all([db.query(PROVIDERS, [now]), db.query(PAYOUTS)]);
  const payouts = new Map(paid.map(({ account, payout }) => [String(account), String(payout)]));
  return rows.map((row) => {
    const id = String(row.id);
    const network = networkOf(textsOf(row.addresses));
    const payout = payouts.get(id);
    return {
      id,
      slots: Math.min(Number(row.offered), Number(row.bonded)),
      region: network === null || row.region === null ? null : String(row.region),
      engine: row.engine === null ? null : String(row.engine),
      transitions: numbersOf(row.arrivals).map((at) => at / MS_PER_SECOND),
      ...(network === null ? {} : { network }),
      ...(row.owner === null ? {} : { owner: String(row.owner) }),
      // Its own account is nobody else's.
      ...(payout === undefined || payout === id ? {} : { payout }),
    };
  });
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function numbersOf(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.map(Number) : [];
}
