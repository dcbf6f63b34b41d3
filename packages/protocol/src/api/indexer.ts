import { z } from "zod";
import { addressSchema, bytes32Schema } from "../bytes.ts";
import { featureSchema } from "../features.ts";
import { microUsdSchema } from "../money.ts";
import { offerSchema } from "../offer.ts";
import { proofLevelSchema } from "../proof-level.ts";
import { signedReceiptSchema } from "../receipt.ts";
import { decentralisationApi } from "./decentralisation.ts";
import { economyApi } from "./economy.ts";
import { endpoint, pageOf } from "./endpoint.ts";
import { count, milliseconds, nothing, share, time, whole } from "./values.ts";
import { versionSchema } from "./version.ts";

/*
 * What an indexer answers to anybody: what the chain, the providers' receipts and their offers say, added up. Everything
 * can be computed again from those. Money is in units as decimal digits; `at` is ms since 1970, by the chain's clock for
 * what the chain says.
 */

const limit = whole(1, 1_000).default(100);
/** `next` of the page before. */
const after = z.string().max(200).optional();
const paged = { limit, after };

const verdictCounts = z.object({ pass: count, inconclusive: count, fail: count });

const totals = z.object({
  requests: count,
  outputTokens: count,
  /** Units that providers claimed. */
  settled: microUsdSchema,
  audits: verdictCounts,
});

export const overviewSchema = z.object({
  chainId: z.int().positive(),
  /** Addresses by the contracts' names. */
  contracts: z.record(z.string(), addressSchema),
  /** Last block that is indexed, and its time. */
  block: count,
  blockAt: milliseconds.nullable(),
  total: totals,
  /** Of the last 24 hours. */
  day: totals,
  /** Registered and active; `online` have an offer that has not expired. */
  providers: z.object({ registered: count, online: count }),
  validators: count,
  models: count,
  openChannels: count,
  /** Units in open channels that nobody claimed. */
  locked: microUsdSchema,
  staked: microUsdSchema,
  openDisputes: count,
  epochs: count,
});
export type NetworkOverview = z.output<typeof overviewSchema>;

export const SERIES_METRICS = ["requests", "outputTokens", "settled", "audits", "failedAudits"] as const;
const bucketQuery = {
  /** Seconds that a point stands for. */
  bucket: whole(1, 31_557_600),
  since: time,
  until: time,
};
const pointSchema = z.object({
  /** Start of the bucket. */
  at: milliseconds,
  /** A count, or units for `settled`; exact to 2^53. */
  value: z.number(),
});

export const seriesSchema = z.object({
  metric: z.enum(SERIES_METRICS),
  bucket: count,
  /** Every bucket from `since` to `until`, empty ones as 0; at most 2,000. */
  points: z.array(pointSchema),
});
export type Series = z.output<typeof seriesSchema>;

export const providerSchema = z.object({
  provider: addressSchema,
  receiptKey: addressSchema.nullable(),
  /** Registered now. */
  active: z.boolean(),
  /** Has an offer that has not expired. */
  online: z.boolean(),
  since: milliseconds.nullable(),
  models: z.array(z.string()),
  regions: z.array(z.string()),
  proofLevels: z.array(proofLevelSchema),
  /** Set where an offer says that its provider is an adversary of a test. */
  adversary: z.string().nullable(),
  stake: microUsdSchema,
  slots: count,
  receipts: count,
  outputTokens: count,
  /** Units claimed. */
  earned: microUsdSchema,
  /** Share of the minutes of the last 24 hours, or since it was first seen, in which it had a live offer; null without any. */
  uptime: share.nullable(),
  /** From receipts: whole answers, by the provider's clock. */
  latency: z.object({ p50Ms: z.number(), p90Ms: z.number() }).nullable(),
  tokensPerSecond: z.number().nullable(),
  audits: verdictCounts,
  mismatches: count,
  disputesLost: count,
  /**
   * `reputationFormula`; null before the first audit. Wilson's lower bound (1927) of passes among passes and failures at
   * 95 %, times uptime.
   */
  reputation: share.nullable(),
});
export type Provider = z.output<typeof providerSchema>;

/** The formula of `reputation`, for people. */
export const REPUTATION_FORMULA =
  "Wilson's 95 % lower bound of passes ÷ (passes + failures), times the share of the last day online";

export const PROVIDER_SORTS = ["provider", "earned", "stake", "receipts", "latency", "uptime", "reputation"] as const;

export const validatorSchema = z.object({
  validator: addressSchema,
  active: z.boolean(),
  since: milliseconds.nullable(),
  stake: microUsdSchema,
  audits: verdictCounts,
  lastAuditAt: milliseconds.nullable(),
});
export type Validator = z.output<typeof validatorSchema>;

export const listedOfferSchema = z.object({
  offer: z.object(offerSchema.shape),
  firstSeen: milliseconds,
  /** When it was last heard. */
  at: milliseconds,
  online: z.boolean(),
});
export type ListedOffer = z.output<typeof listedOfferSchema>;

const priceRange = z.object({ least: microUsdSchema, median: microUsdSchema, most: microUsdSchema });

export const modelSchema = z.object({
  model: z.string(),
  classes: z.array(
    z.object({
      classId: bytes32Schema,
      /** Null where its offers hide it. */
      weights: bytes32Schema.nullable(),
      quantisation: z.string().nullable(),
      engine: z.string().nullable(),
      backend: z.string().nullable(),
      proofLevel: proofLevelSchema,
      contextLength: count,
      features: z.array(featureSchema),
      /** With a live offer. */
      providers: count,
      slots: count,
      idleSlots: count,
      /** Units per million output and input tokens, of live offers. */
      outputPrice: priceRange.nullable(),
      inputPrice: priceRange.nullable(),
      receipts: count,
      /** Share right with these weights less that with the unquantised ones, where somebody measured it. */
      qualityDelta: z.object({ value: z.number(), measured: z.string(), source: z.string() }).nullable(),
    }),
  ),
});
export type MarketModel = z.output<typeof modelSchema>;

export const pricePointSchema = z.object({
  at: milliseconds,
  /** Of the offers that were live then; null where there was none. */
  output: priceRange.nullable(),
  input: priceRange.nullable(),
  offers: count,
});

export const listedReceiptSchema = z.object({
  id: bytes32Schema,
  epoch: count,
  model: z.string().nullable(),
  receipt: signedReceiptSchema,
});
export type ListedReceipt = z.output<typeof listedReceiptSchema>;

export const auditSchema = z.object({
  receiptId: bytes32Schema,
  provider: addressSchema,
  validator: addressSchema,
  epoch: count,
  classId: bytes32Schema,
  verdict: z.enum(["pass", "inconclusive", "fail"]),
  /** Informative tokens. */
  tokens: count,
  mismatches: count,
  /** Sum of clipped margins, millionths of a nat. */
  marginMicros: count,
  evidenceHash: bytes32Schema.nullable(),
  tx: bytes32Schema,
  block: count,
  at: milliseconds.nullable(),
});
export type Audit = z.output<typeof auditSchema>;

export const disputeSchema = z.object({
  id: bytes32Schema,
  accused: addressSchema,
  challenger: addressSchema,
  receiptId: bytes32Schema.nullable(),
  /** Who appealed, or null. */
  appellant: addressSchema.nullable(),
  /** Null while it is open. */
  outcome: z.enum(["pass", "inconclusive", "fail", "timeout"]).nullable(),
  slashed: microUsdSchema.nullable(),
  tx: bytes32Schema,
  openedBlock: count,
  openedAt: milliseconds.nullable(),
  closedAt: milliseconds.nullable(),
});
export type Dispute = z.output<typeof disputeSchema>;

export const chainEventSchema = z.object({
  block: count,
  logIndex: count,
  tx: bytes32Schema,
  /** Name of the contract. */
  contract: z.string(),
  name: z.string(),
  /** Numbers beyond 2^53 are text. */
  args: z.record(z.string(), z.unknown()),
  at: milliseconds.nullable(),
});
export type IndexedEvent = z.output<typeof chainEventSchema>;

export const receiptDetailSchema = listedReceiptSchema.extend({
  /** Key whose signature it has to bear. */
  receiptKey: addressSchema.nullable(),
  /** The epoch's root on chain, and the transaction that posted it. */
  root: bytes32Schema,
  rootTx: bytes32Schema,
  rootBlock: count,
  rootAt: milliseconds.nullable(),
  /** Opening of the receipt under the root. */
  merkle: z.object({ index: count, count, siblings: z.array(bytes32Schema) }),
  audits: z.array(auditSchema),
  disputes: z.array(disputeSchema),
});
export type ReceiptDetail = z.output<typeof receiptDetailSchema>;

export const channelSchema = z.object({
  id: bytes32Schema,
  payer: addressSchema,
  receiver: addressSchema,
  deposit: microUsdSchema,
  settled: microUsdSchema,
  closed: z.boolean(),
  openedBlock: count,
  openedAt: milliseconds.nullable(),
});
export type Channel = z.output<typeof channelSchema>;

export const epochSchema = z.object({
  provider: addressSchema,
  epoch: count,
  root: bytes32Schema,
  count,
  cost: microUsdSchema,
  beacon: bytes32Schema.nullable(),
  tx: bytes32Schema,
  block: count,
  at: milliseconds.nullable(),
  /** Receipts of it that are indexed. */
  indexed: count,
});
export type Epoch = z.output<typeof epochSchema>;

/** What the chain says that the public record of providers is made of, in its order; `packages/proof` adds it up. */
export const evidenceSchema = z.object({
  provider: addressSchema,
  /** Last block that is in it. */
  block: count,
  /** Fixed share of audited receipts that this network uses instead of the schedule, or null. */
  auditRate: share.nullable(),
  /** Events as `auditEventSchema` has them, with their times. */
  events: z.array(z.object({ at: milliseconds.nullable(), event: z.unknown() })),
});

export const tierSchema = z.object({
  id: z.string(),
  issuer: addressSchema.nullable(),
  price: microUsdSchema,
  periodSeconds: count,
  /** Tokens. */
  quota: z.string(),
  sold: count,
});

export const passSchema = z.object({
  id: z.string(),
  tier: z.string(),
  holder: addressSchema,
  operator: addressSchema.nullable(),
  paid: microUsdSchema,
  startsAt: milliseconds.nullable(),
  endsAt: milliseconds.nullable(),
  status: z.enum(["active", "expired", "ended", "settled"]),
  tx: bytes32Schema,
});
export type IndexedPass = z.output<typeof passSchema>;

export const accountSchema = z.object({
  account: addressSchema,
  /** Everything that it is. */
  roles: z.array(z.enum(["provider", "validator", "payer", "holder", "contract"])),
  channelsPaid: count,
  channelsReceived: count,
  receipts: count,
  audits: count,
  passes: count,
});

export const SEARCH_KINDS = [
  "receipt",
  "request",
  "provider",
  "validator",
  "account",
  "channel",
  "epoch",
  "tx",
  "block",
  "dispute",
  "pass",
  "model",
  "class",
] as const;
export const searchHitSchema = z.object({
  kind: z.enum(SEARCH_KINDS),
  /** As it stands in the path of its page; an epoch is `0xprovider/number`. */
  id: z.string(),
  label: z.string(),
});
export type SearchHit = z.output<typeof searchHitSchema>;

const minuteSchema = z.object({ at: milliseconds, online: z.boolean() });

const get = <Query extends z.ZodType, Answer extends z.ZodType>(
  path: string,
  summary: string,
  query: Query,
  answer: Answer,
) => endpoint({ method: "GET", path, summary, query, answer });

export const indexerApi = {
  ...decentralisationApi,
  ...economyApi,
  version: get("/version", "Which API answers here, and the time there", nothing, versionSchema("depinfer-indexer")),
  overview: get("/overview", "The network in figures", nothing, overviewSchema),
  series: get(
    "/series",
    "A figure over time",
    z.object({ metric: z.enum(SERIES_METRICS), ...bucketQuery, provider: addressSchema.optional() }),
    seriesSchema,
  ),
  providers: get(
    "/providers",
    "Providers with what they did",
    z.object({
      ...paged,
      sort: z.enum(PROVIDER_SORTS).default("provider"),
      order: z.enum(["asc", "desc"]).default("asc"),
    }),
    pageOf(providerSchema),
  ),
  provider: get("/providers/:provider", "One provider", nothing, providerSchema),
  earnings: get(
    "/providers/:provider/earnings",
    "Units that a provider claimed, over time",
    z.object(bucketQuery),
    seriesSchema,
  ),
  presence: get(
    "/providers/:provider/presence",
    "Minutes in which a provider had a live offer",
    z.object({ since: time }),
    z.object({ data: z.array(minuteSchema) }),
  ),
  evidence: get(
    "/providers/:provider/evidence",
    "What the sequential test of a provider is made of",
    nothing,
    evidenceSchema,
  ),
  validators: get("/validators", "Validators with what they attested", z.object(paged), pageOf(validatorSchema)),
  offers: get(
    "/offers",
    "Offers that were heard",
    z.object({
      limit: whole(1, 10_000).default(1_000),
      after,
      model: z.string().max(256).optional(),
      region: z.string().max(64).optional(),
      proofLevel: proofLevelSchema.optional(),
      feature: featureSchema.optional(),
      maxOutputPrice: z
        .string()
        .regex(/^\d{1,38}$/)
        .optional(),
    }),
    pageOf(listedOfferSchema),
  ),
  models: get("/models", "Models with their classes", nothing, z.object({ data: z.array(modelSchema) })),
  model: get("/models/:model", "One model", nothing, modelSchema),
  prices: get(
    "/prices",
    "Prices of a model over time, units per million tokens",
    z.object({ model: z.string().max(256), ...bucketQuery }),
    z.object({ model: z.string(), bucket: count, points: z.array(pricePointSchema) }),
  ),
  receipts: get(
    "/receipts",
    "Receipts under posted roots, newest first",
    z.object({
      ...paged,
      provider: addressSchema.optional(),
      classId: bytes32Schema.optional(),
      channel: bytes32Schema.optional(),
      /** Finished before this time. */
      before: time,
    }),
    pageOf(listedReceiptSchema),
  ),
  receipt: get(
    "/receipts/:id",
    "One receipt by its id or its request's, with its opening",
    nothing,
    receiptDetailSchema,
  ),
  audits: get(
    "/audits",
    "Attested verdicts, newest first",
    z.object({
      ...paged,
      provider: addressSchema.optional(),
      validator: addressSchema.optional(),
      verdict: z.enum(["pass", "inconclusive", "fail"]).optional(),
      receipt: bytes32Schema.optional(),
    }),
    pageOf(auditSchema),
  ),
  disputes: get(
    "/disputes",
    "Disputes, newest first",
    z.object({ ...paged, provider: addressSchema.optional(), open: z.stringbool().optional() }),
    pageOf(disputeSchema),
  ),
  dispute: get(
    "/disputes/:id",
    "One dispute with all that happened in it",
    nothing,
    disputeSchema.extend({ events: z.array(chainEventSchema) }),
  ),
  channels: get(
    "/channels",
    "Payment channels, newest first",
    z.object({
      ...paged,
      payer: addressSchema.optional(),
      provider: addressSchema.optional(),
      open: z.stringbool().optional(),
    }),
    pageOf(channelSchema),
  ),
  channel: get(
    "/channels/:id",
    "One channel with its events",
    nothing,
    channelSchema.extend({ events: z.array(chainEventSchema) }),
  ),
  epochs: get(
    "/epochs",
    "Posted epochs, newest first",
    z.object({ ...paged, provider: addressSchema.optional() }),
    pageOf(epochSchema),
  ),
  epoch: get(
    "/epochs/:provider/:epoch",
    "One epoch with its receipts",
    nothing,
    epochSchema.extend({ receipts: z.array(listedReceiptSchema) }),
  ),
  tx: get(
    "/tx/:hash",
    "The events of a transaction",
    nothing,
    z.object({ tx: bytes32Schema, events: z.array(chainEventSchema) }),
  ),
  block: get(
    "/blocks/:number",
    "The events of a block",
    nothing,
    z.object({ block: count, at: milliseconds.nullable(), events: z.array(chainEventSchema) }),
  ),
  tiers: get("/tiers", "Tiers of passes on sale", nothing, z.object({ data: z.array(tierSchema) })),
  passes: get(
    "/passes",
    "Passes that were bought, newest first",
    z.object({ ...paged, holder: addressSchema.optional() }),
    pageOf(passSchema),
  ),
  pass: get(
    "/passes/:id",
    "One pass with its events",
    nothing,
    passSchema.extend({ events: z.array(chainEventSchema) }),
  ),
  account: get("/accounts/:account", "What an account is and did", nothing, accountSchema),
  search: get(
    "/search",
    "What an id, the beginning of one, a block or a part of a model's name may mean",
    z.object({ q: z.string().min(1).max(200) }),
    z.object({ data: z.array(searchHitSchema) }),
  ),
};

/** Data of the events of `GET /events`, by the event's name, as the lists have them. `reset`: too much was missed; ask anew. */
export const indexerEvents = {
  block: z.object({ block: count, at: milliseconds.nullable() }),
  receipt: listedReceiptSchema,
  audit: auditSchema,
  dispute: disputeSchema,
  settlement: z.object({
    channelId: bytes32Schema,
    provider: addressSchema.nullable(),
    amount: microUsdSchema,
    tx: bytes32Schema,
    at: milliseconds.nullable(),
  }),
  channel: channelSchema,
  offer: z.object({ provider: addressSchema, model: z.string(), online: z.boolean() }),
  epoch: epochSchema,
  reset: nothing,
} as const;
export type IndexerEventName = keyof typeof indexerEvents;
