import { shareSurplus } from "@depinfer/economics";
import { DepinferError, flatPrice } from "@depinfer/protocol";
import type { Database } from "./database.ts";

/** A provider's part of what the passes of one tier left unused in one period. */
export interface PassShare {
  readonly provider: string;
  /** Verified tokens that it served to these passes: those that vouchers paid for, less those of convicted answers. */
  readonly tokens: string;
  /** Units of six decimals. */
  readonly amount: string;
}

export interface PassShares {
  readonly tier: string;
  readonly period: string;
  /** Units that the passes left over. */
  readonly surplus: string;
  /** Units that nobody gets: of passes that nobody served, and what rounding leaves. */
  readonly unshared: string;
  readonly shares: readonly PassShare[];
}

/*
 * Everything is read from events, so that anybody gets the same shares and can object to others. A surplus belongs to
 * the pass of the next PassSettled or PassUpgraded in the same transaction. What a provider served to a pass is what its
 * channels of that pass had paid by then: at the tier's flat price units and tokens are the same measure.
 */
const SURPLUSES = `
SELECT pass.args->>'passId' AS pass, added.block, (added.args->>'amount') AS surplus
FROM events added
JOIN LATERAL (
  SELECT args FROM events later
  WHERE later.block = added.block AND later.tx = added.tx AND later.log_index > added.log_index
    AND later.name IN ('PassSettled', 'PassUpgraded')
  ORDER BY later.log_index LIMIT 1
) pass ON TRUE
WHERE added.name = 'SurplusAdded' AND added.args->>'tierId' = $1 AND added.args->>'period' = $2
ORDER BY added.block, added.log_index`;

const SERVED = `
SELECT funded.provider, sum(paid.units)::text AS units
FROM (SELECT DISTINCT args->>'provider' AS provider, args->>'channelId' AS channel FROM events
      WHERE name = 'PassFunded' AND args->>'passId' = $1) funded
JOIN LATERAL (
  SELECT coalesce(max((args->>'settled')::numeric), 0)
    - coalesce((SELECT sum(r.cost) FROM receipts r JOIN disputes d ON d.receipt_id = r.id
                WHERE r.channel_id = funded.channel AND d.outcome = 'fail'), 0) AS units
  FROM events WHERE name = 'Claimed' AND args->>'channelId' = funded.channel AND block <= $2
) paid ON TRUE
GROUP BY funded.provider ORDER BY funded.provider`;

const TIER = "SELECT args FROM events WHERE name = 'TierCreated' AND args->>'tierId' = $1";

/** @throws DepinferError `index.notFound` for a tier that does not exist. */
export async function passShares(db: Database, tier: string, period: string): Promise<PassShares> {
  const [created] = await db.query(TIER, [tier]);
  if (created === undefined) {
    throw new DepinferError({
      code: "index.notFound",
      message: `There is no tier ${tier}`,
      remedy: "See what is sold with `depinfer pass tiers`",
      metadata: { tier },
    });
  }
  const unitsPerMillion = flatPriceOf(created.args);
  const rows = await db.query(SURPLUSES, [tier, period]);
  const passes = await Promise.all(
    rows.map(async ({ pass, block, surplus }) => ({
      id: BigInt(String(pass)),
      surplus: BigInt(String(surplus)),
      served: new Map(
        (await db.query(SERVED, [String(pass), String(block)])).map(({ provider, units }) => [
          String(provider),
          atLeastZero(BigInt(String(units))),
        ]),
      ),
    })),
  );
  const shares = shareSurplus(passes);
  const surplus = passes.reduce((sum, pass) => sum + pass.surplus, 0n);
  const shared = [...shares.values()].reduce((sum, amount) => sum + amount, 0n);
  return {
    tier,
    period,
    surplus: surplus.toString(),
    unshared: (surplus - shared).toString(),
    shares: [...shares]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([provider, amount]) => ({
        provider,
        tokens: (
          (passes.reduce((sum, { served }) => sum + (served.get(provider) ?? 0n), 0n) * MILLION) /
          unitsPerMillion
        ).toString(),
        amount: amount.toString(),
      })),
  };
}

const MILLION = 1_000_000n;

/** What the contract's `unitsPerMillion` says of the tier. */
function flatPriceOf(args: unknown): bigint {
  const members = new Map<string, unknown>(typeof args === "object" && args !== null ? Object.entries(args) : []);
  const price = BigInt(String(members.get("price") ?? 0));
  const quota = BigInt(String(members.get("quota") ?? 1));
  return flatPrice({ price, quota });
}

/** Convictions can cost a provider more than its channel had paid when the pass was settled. */
function atLeastZero(units: bigint): bigint {
  return units < 0n ? 0n : units;
}
