import type { LayerName } from "@depinfer/economics";
import type { Database } from "../database.ts";
import type { SeenProvider } from "./identities.ts";

/** What each identity has of a layer. */
export interface LayerAmounts {
  readonly unit: "units" | "slots";
  readonly amounts: ReadonlyMap<string, number>;
  /** Sum of the squares of what the amounts are made of, where they are a sample. */
  readonly squares?: ReadonlyMap<string, number>;
  /** Whether the identities are providers, which are joined to entities. */
  readonly ofProviders: boolean;
}

/** Why a layer may be without data. */
export const EMPTY_BECAUSE: Readonly<Record<LayerName, string>> = {
  revenue: "No receipt was posted in the window",
  gateways: "No receipt was posted in the window",
  capacity: "No provider with stake is online",
  networks: "No provider that is online can be reached from outside",
  regions: "No provider that is online can be reached from outside",
  engines: "No provider that is online says which engine computes",
  votes: "There is no vote on this network yet",
  holdings: "There is no token on this network yet",
  commits: "An indexer does not read the history of the software",
  keys: "Nobody can change the contracts: there is no key to count",
};

const REVENUE = `SELECT provider AS id, sum(cost)::float8 AS amount, sum(cost * cost)::float8 AS squares
FROM receipts WHERE finished_at >= $1 GROUP BY provider`;

const TRAFFIC = `SELECT opened.args->>'payer' AS id, sum(r.cost)::float8 AS amount, sum(r.cost * r.cost)::float8 AS squares
FROM receipts r JOIN events opened ON opened.name = 'ChannelOpened' AND opened.args->>'channelId' = r.channel_id
WHERE r.finished_at >= $1 GROUP BY 1`;

/** Amounts of every layer that can be measured, `since` in ms. */
export async function readLayers(
  db: Database,
  providers: readonly SeenProvider[],
  since: number,
): Promise<Partial<Record<LayerName, LayerAmounts>>> {
  const [revenue, gateways] = await Promise.all([sampled(db, REVENUE, since), sampled(db, TRAFFIC, since)]);
  return {
    revenue: { ...revenue, ofProviders: true },
    gateways: { ...gateways, ofProviders: false },
    capacity: { ...slotsBy(providers, ({ id }) => id), ofProviders: true },
    networks: { ...slotsBy(providers, ({ network }) => network ?? null), ofProviders: false },
    regions: { ...slotsBy(providers, ({ region }) => region), ofProviders: false },
    engines: { ...slotsBy(providers, ({ engine }) => engine), ofProviders: false },
  };
}

async function sampled(db: Database, sql: string, since: number) {
  const rows = await db.query(sql, [since]);
  return {
    unit: "units" as const,
    amounts: new Map(rows.map(({ id, amount }) => [String(id), Number(amount)])),
    squares: new Map(rows.map(({ id, squares }) => [String(id), Number(squares)])),
  };
}

function slotsBy(providers: readonly SeenProvider[], keyOf: (provider: SeenProvider) => string | null) {
  const amounts = new Map<string, number>();
  for (const provider of providers) {
    const key = keyOf(provider);
    if (key !== null && provider.slots > 0) {
      amounts.set(key, (amounts.get(key) ?? 0) + provider.slots);
    }
  }
  return { unit: "slots" as const, amounts };
}
