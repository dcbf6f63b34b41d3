import { z } from "zod";
import { endpoint } from "./endpoint.ts";
import { count, milliseconds, share, time } from "./values.ts";

/*
 * The network's index: how few could hold up each layer of it. Figures by identity (raw) stand beside figures by entity,
 * identities joined where public evidence says that they belong together; the evidence is given.
 */

const figure = z.number().min(0);
const interval = z.object({ low: figure, high: figure });
/** Null where there is no data, which is no figure of zero. */
const measures = z.object({
  entities: count,
  gini: share.nullable(),
  /** 0 to 10,000. */
  hhi: figure.nullable(),
  nc33: count.nullable(),
  nc50: count.nullable(),
});

/** What an index is computed over. */
export const INDEX_WINDOWS = { hour: 3_600_000, day: 86_400_000, week: 604_800_000, month: 2_592_000_000 } as const;
export type IndexWindow = keyof typeof INDEX_WINDOWS;
const windowSchema = z.enum(["hour", "day", "week", "month"]);

export const indexLayerSchema = z.object({
  name: z.string(),
  title: z.string(),
  /** What is added up, and whose. */
  counts: z.string(),
  unit: z.enum(["units", "slots"]).nullable(),
  state: z.enum(["counted", "set aside", "no data"]),
  /** Why it is not counted. */
  reason: z.string().nullable(),
  target: z.number(),
  /** 0 to 1; null where there is no data. */
  score: share.nullable(),
  /** 95 %; null for what is counted whole. */
  interval: interval.nullable(),
  /** By entity, and by identity as everybody sees them. */
  clustered: measures,
  raw: measures,
  /** Entities with most, at most ten. `id` is the first of its identities. */
  largest: z.array(z.object({ id: z.string(), identities: count, amount: figure, share })),
  /** Poorest first: so much of the entities have so much of the sum; empty where there is no data. */
  lorenz: z.array(z.object({ entities: share, amount: share })),
  remedy: z.string(),
});
export type IndexLayerFigures = z.output<typeof indexLayerSchema>;

export const decentralisationSchema = z.object({
  at: milliseconds,
  window: windowSchema,
  since: milliseconds,
  formula: z.string(),
  /** 0 to 100, over the layers that are counted; null without data. */
  index: figure.nullable(),
  interval: interval.nullable(),
  /** The same with the layers that are set aside. */
  withSetAside: figure.nullable(),
  /** The layer with the lowest score of those counted. */
  weakest: z.string().nullable(),
  layers: z.array(indexLayerSchema),
  /** What one controller more in one layer would make of the index, most first. */
  improvements: z.array(z.object({ layer: z.string(), nc33: count, index: figure })),
  /** Providers that are taken for one entity, and why. */
  clusters: z.array(
    z.object({
      id: z.string(),
      ids: z.array(z.string()),
      evidence: z.array(z.object({ kind: z.enum(["payout", "owner", "network and timing"]), value: z.string() })),
    }),
  ),
});
export type Decentralisation = z.output<typeof decentralisationSchema>;

export const indexPointSchema = z.object({
  at: milliseconds,
  index: figure.nullable(),
  low: figure.nullable(),
  high: figure.nullable(),
  withSetAside: figure.nullable(),
  weakest: z.string().nullable(),
  /** Scores by layer, 0 to 1; those without data are left out. */
  scores: z.record(z.string(), share),
});
export type IndexPoint = z.output<typeof indexPointSchema>;

export const decentralisationApi = {
  index: endpoint({
    method: "GET",
    path: "/index",
    summary: "How few could hold up each layer of the network, and what would change it",
    query: z.object({ window: windowSchema.default("day") }),
    answer: decentralisationSchema,
  }),
  indexHistory: endpoint({
    method: "GET",
    path: "/index/history",
    summary:
      "The index over a day at each time at which it was noted, oldest first; thinned to at most a thousand points",
    query: z.object({ since: time, until: time }),
    answer: z.object({ data: z.array(indexPointSchema) }),
  }),
};
