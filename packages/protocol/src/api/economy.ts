import { z } from "zod";
import { addressSchema } from "../bytes.ts";
import { microUsdSchema } from "../money.ts";
import { endpoint } from "./endpoint.ts";
import { count, milliseconds, share, time } from "./values.ts";

/*
 * What providers need to know of the market before they join, and of themselves after. Everything is added up from receipts
 * under posted roots, live offers and the minutes in which this indexer saw them.
 */

export const marketConditionsSchema = z.object({
  model: z.string(),
  requests: count,
  promptTokens: count,
  outputTokens: count,
  /** Prompt tokens for each output token; null where nothing was written. */
  promptPerOutput: z.number().min(0).nullable(),
  /** Units that were charged. */
  paid: microUsdSchema,
  /** Units per million tokens, the median of live offers in which each slot with stake counts alike; null where there is none. */
  inputPrice: microUsdSchema.nullable(),
  outputPrice: microUsdSchema.nullable(),
  /** With a live offer, and their slots with stake behind them. */
  providers: count,
  slots: count,
  /** Slot-time at work ÷ slot-time on offer of slots with stake, while this indexer looked; null where there was none. */
  utilisation: share.nullable(),
});
export type MarketConditions = z.output<typeof marketConditionsSchema>;

export const STATEMENT_GROUPS = ["hour", "day", "model"] as const;
export type StatementGroup = (typeof STATEMENT_GROUPS)[number];

export const statementLineSchema = z.object({
  /** Start of the hour or day as ISO 8601, or the model's name. */
  key: z.string(),
  requests: count,
  promptTokens: count,
  outputTokens: count,
  /** Units that buyers were charged. */
  paid: microUsdSchema,
  /** Ms in which the provider was seen with a live offer; at least `msAtWork`. By model, its part of it in proportion to work. */
  msOnline: milliseconds,
  /** Ms in which all slots together did as much: the sum of what each request took ÷ slots. */
  msAtWork: milliseconds,
});
export type StatementLine = z.output<typeof statementLineSchema>;

export const basePriceSchema = z.object({
  model: z.string(),
  /** ms of a period. */
  period: milliseconds,
  /** Units per million output tokens. */
  current: microUsdSchema,
  /** When it moves next. */
  nextAt: milliseconds,
  /** Oldest first. `utilisation` is that of the period before, null where this indexer did not look. */
  history: z.array(z.object({ at: milliseconds, price: microUsdSchema, utilisation: share.nullable() })),
});
export type BasePrice = z.output<typeof basePriceSchema>;

export const economyApi = {
  marketConditions: endpoint({
    method: "GET",
    path: "/market-conditions",
    summary: "What each model's market was like since a time, the last seven days by default",
    query: z.object({ model: z.string().max(256).optional(), since: time }),
    answer: z.object({ since: milliseconds, until: milliseconds, data: z.array(marketConditionsSchema) }),
  }),
  statement: endpoint({
    method: "GET",
    path: "/providers/:provider/statement",
    summary: "What a provider did and was paid, by hour, day or model; the last seven days by default",
    query: z.object({ since: time, until: time, by: z.enum(STATEMENT_GROUPS).default("day") }),
    answer: z.object({
      provider: addressSchema,
      since: milliseconds,
      until: milliseconds,
      slots: count,
      data: z.array(statementLineSchema),
    }),
  }),
  basePrices: endpoint({
    method: "GET",
    path: "/base-prices",
    summary: "The base price of each model, and how it came there",
    query: z.object({ model: z.string().max(256).optional() }),
    answer: z.object({
      /** Utilisation at which a price rests, and how strongly it answers. */
      target: share,
      gain: share,
      data: z.array(basePriceSchema),
    }),
  }),
};
