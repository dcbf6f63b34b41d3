import { z } from "zod";
import { addressSchema, bytes32Schema, hexSchema } from "../bytes.ts";
import { featureSchema } from "../features.ts";
import { transcriptSchema } from "../messages.ts";
import { microUsdSchema } from "../money.ts";
import { offerSchema } from "../offer.ts";
import { proofLevelSchema } from "../proof-level.ts";
import { signedReceiptSchema } from "../receipt.ts";
import { requestPolicySchema } from "../request-policy.ts";
import { runtimeClassSchema } from "../runtime-class.ts";
import { endpoint } from "./endpoint.ts";
import { count, milliseconds, nothing } from "./values.ts";
import { versionSchema } from "./version.ts";

/*
 * What a gateway tells the holder of a key, beside the endpoints that speak the APIs of others (`/v1/openapi.json`).
 * Every path wants the key, save `/v1/version`. Money is in units as decimal digits, times are ms since 1970.
 */

/** Id of a pass, a tier or of anything else that a contract counts. */
export const countedIdSchema = z
  .string()
  .regex(/^[1-9]\d{0,38}$/, "expected a number from 1 on as decimal digits")
  .transform((text) => BigInt(text));
const tokenAmount = z
  .string()
  .regex(/^-?\d{1,39}$/)
  .transform((text) => BigInt(text));

/** Where a request stands. `started`: under way; `broken`: its connection broke, what is owed for it is being settled. */
export const requestStateSchema = z.enum(["started", "done", "failed", "broken", "disputed"]);
export type RequestStateName = z.output<typeof requestStateSchema>;

/** A request under this key, in the list. */
export const gatewayRequestSchema = z.object({
  id: bytes32Schema,
  state: requestStateSchema,
  /** What went wrong, or null. */
  fault: z.string().nullable(),
  model: z.string(),
  provider: addressSchema,
  channelId: bytes32Schema,
  cost: microUsdSchema,
  startedAt: milliseconds,
  /** From the receipt; null without one, as are the tokens. */
  finishedAt: milliseconds.nullable(),
  promptTokens: count.nullable(),
  outputTokens: count.nullable(),
  proofLevel: proofLevelSchema.nullable(),
  /** The pass that paid, or null. */
  pass: countedIdSchema.nullable(),
});
export type GatewayRequest = z.output<typeof gatewayRequestSchema>;

/** Everything that is needed to check one answer; also what `depinfer verify FILE` and the console's `/api/verify` take. */
export const gatewayReceiptSchema = z.object({
  id: bytes32Schema,
  state: requestStateSchema,
  fault: z.string().nullable(),
  model: z.string(),
  provider: addressSchema,
  cost: microUsdSchema,
  startedAt: milliseconds,
  channelId: bytes32Schema,
  pass: countedIdSchema.nullable(),
  /** Null until the provider has delivered it. */
  receipt: signedReceiptSchema.nullable(),
  /** Null where nothing was delivered. */
  transcript: transcriptSchema.nullable(),
  /** The parts behind the receipt's class, where an offer shows them. */
  runtimeClass: runtimeClassSchema.nullable(),
  /** What the buyer's channel with the provider has paid, so far as this gateway knows; null for a channel of the past. */
  channel: z
    .object({
      id: bytes32Schema,
      /** Units of receipts that were accepted, over the channel's life. */
      owed: microUsdSchema,
      /** Units that the provider has claimed on chain. */
      settled: microUsdSchema,
    })
    .nullable(),
});
export type GatewayReceipt = z.output<typeof gatewayReceiptSchema>;

/** Which providers were asked for an answer, and why each other one was not. */
export const gatewayWhySchema = z.object({
  policy: z.looseObject({}),
  attempts: z.array(
    z.object({
      /** Null as long as it is under way. */
      request: bytes32Schema.nullable(),
      kind: z.enum(["first", "retry", "hedge", "continuation"]),
      provider: addressSchema,
      peer: z.string(),
      at: milliseconds,
      /** `answered`, `under way`, or what went wrong. */
      outcome: z.string(),
      others: z.array(z.object({ provider: addressSchema, peer: z.string(), reason: z.string() })),
    }),
  ),
});
export type GatewayWhy = z.output<typeof gatewayWhySchema>;

/** An offer as this gateway knows it now: the offer's own fields. */
export const gatewayOfferSchema = z.object(offerSchema.shape);
export type GatewayOffer = z.output<typeof gatewayOfferSchema>;

const stringPricesSchema = z.object({
  inputPerMillion: microUsdSchema,
  cachedInputPerMillion: microUsdSchema,
  outputPerMillion: microUsdSchema,
});

/** A model on offer, as OpenAI's list has it, with what is known of it under `depinfer`. */
export const gatewayModelSchema = z.object({
  id: z.string(),
  /** Seconds since 1970, as in OpenAI's API. */
  created: z.int(),
  owned_by: z.string(),
  depinfer: z.object({
    classes: z.array(
      z.object({
        id: bytes32Schema,
        quantisation: z.string().nullable(),
        engine: z.string().nullable(),
        backend: z.string().nullable(),
        weights: bytes32Schema.nullable(),
        providers: count,
      }),
    ),
    proof_levels: z.array(proofLevelSchema),
    context_length: count,
    features: z.array(featureSchema),
    providers: count,
    slots: count,
    idle_slots: count,
    /** Of the cheapest offer. */
    prices: stringPricesSchema.nullable(),
    /** What an answer of each level proves and what it leaves open. */
    truth: z.array(z.object({ level: proofLevelSchema, proven: z.string(), open: z.string() })),
  }),
});
export type GatewayModel = z.output<typeof gatewayModelSchema>;

const limit = z.int().nullable();

/** What a key may do and has done, as its holder may know it. */
export const gatewayKeySchema = z.object({
  name: z.string(),
  scopes: z.array(z.string()),
  limits: z.object({ requestsPerMinute: limit, tokensPerMinute: limit, concurrent: limit }),
  expiresAt: milliseconds.nullable(),
  /** What its requests demand of providers where they do not say so themselves. */
  policy: requestPolicySchema.nullable(),
  /** Most units that it may spend, or null. */
  budget: microUsdSchema.nullable(),
  /** Units spent, with what requests under way may still cost. */
  spent: microUsdSchema,
  requests: count,
  tokens: count,
  /** The pass that pays for it, or null where the gateway's wallet does. */
  pass: countedIdSchema.nullable(),
});
export type GatewayKey = z.output<typeof gatewayKeySchema>;

/** What a new pass has to name, and what its holder signs (`UsePass`) to let it pay for a key. */
export const passUseTermsSchema = z.object({
  /** May fund channels of the pass: this gateway's wallet. */
  operator: addressSchema,
  /** Signs the vouchers of the pass. */
  signer: addressSchema,
  /** SHA-256 of the API key's text. */
  keyHash: bytes32Schema,
  chainId: z.int().positive(),
  /** The Passes contract, `verifyingContract` of the signature's domain. */
  contract: addressSchema,
});
export type PassUseTerms = z.output<typeof passUseTermsSchema>;

export const boundPassSchema = z.object({
  id: countedIdSchema,
  holder: addressSchema,
  status: z.enum(["active", "expired", "cancelled", "settled"]),
  /** Unix seconds, in ms. */
  startsAt: milliseconds,
  endsAt: milliseconds,
  /** Tokens that it grants, has used, and has left beside what requests under way may use. */
  grantedTokens: tokenAmount,
  usedTokens: tokenAmount,
  remainingTokens: tokenAmount,
  /** Units that would come back if it were cancelled now. */
  refundable: microUsdSchema,
  /** Why it does not pay at present (`pass.expired`, `pass.notOurs` …), or null. */
  fault: z.object({ code: z.string(), message: z.string() }).nullable(),
  tier: z.object({
    id: countedIdSchema,
    price: microUsdSchema,
    periodSeconds: count,
    quota: tokenAmount,
    requestsPerMinute: count,
    unitsPerMillion: microUsdSchema,
    /** As the issuer wrote it; `models` is empty for all. Null where the text does not fit its hash. */
    description: z.string().nullable(),
    models: z.array(z.string()),
  }),
});
export type BoundPass = z.output<typeof boundPassSchema>;

/** The pass that pays for this key, and what another one has to name. */
export const gatewayPassSchema = z.object({ pass: boundPassSchema.nullable(), use: passUseTermsSchema });
export type GatewayPass = z.output<typeof gatewayPassSchema>;

/** Body of `PUT /v1/pass`. */
export const bindPassSchema = z.strictObject({
  pass: countedIdSchema,
  /** The holder's, 65 bytes over `passUseDigest`. */
  signature: hexSchema,
});

/** What this gateway has done lately, of all keys together. */
export const gatewayPulseSchema = z.object({
  at: milliseconds,
  /** Requests that are being answered. */
  active: count,
  /** The last 60 whole seconds, oldest first. */
  seconds: z.array(
    z.object({
      /** Start of the second. */
      at: milliseconds,
      requests: count,
      outputTokens: count,
      /** Units. */
      cost: microUsdSchema,
      failed: count,
    }),
  ),
  /** Since the gateway was started. */
  total: z.object({ requests: count, outputTokens: count, cost: microUsdSchema, failed: count }),
});
export type GatewayPulse = z.output<typeof gatewayPulseSchema>;

/** Data of the events of `GET /v1/events`, by the event's name. They are of the key's own requests only. */
export const gatewayEvents = {
  /** A provider took the request; an answer may need several. */
  "request.started": z.object({
    id: bytes32Schema,
    model: z.string(),
    provider: addressSchema,
    kind: z.enum(["first", "retry", "continuation"]),
    at: milliseconds,
  }),
  /** A provider is done, with an answer or without. */
  "request.finished": z.object({
    id: bytes32Schema,
    model: z.string(),
    provider: addressSchema,
    promptTokens: count,
    outputTokens: count,
    cost: microUsdSchema,
    state: requestStateSchema,
    /** Code of what went wrong, `replaced` where another provider goes on, or null. */
    fault: z.string().nullable(),
    /** From when the provider took the request to its end. */
    milliseconds: count,
    /** To its first text; null without any. */
    firstTokenMs: count.nullable(),
    at: milliseconds,
  }),
} as const;
export type GatewayEventName = keyof typeof gatewayEvents;

const line = {
  requests: count,
  promptTokens: count,
  cachedTokens: count,
  outputTokens: count,
  /** Units. */
  cost: microUsdSchema,
  costUsd: z.string(),
};

export const gatewayStatementSchema = z.object({
  account: z.string(),
  /** ISO 8601. */
  since: z.string(),
  until: z.string(),
  lines: z.array(
    z.object({
      /** `yyyy-mm-dd`, UTC. */
      day: z.string(),
      account: z.string(),
      model: z.string(),
      provider: addressSchema,
      pass: countedIdSchema.nullable(),
      ...line,
    }),
  ),
  total: z.object(line),
});
export type GatewayStatement = z.output<typeof gatewayStatementSchema>;

/** Query of `GET /v1/receipts`. */
export const receiptQuerySchema = z.object({
  /** `next` of the page before. */
  after: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
});

/** Query of `GET /v1/statement`. */
const statementQuerySchema = z.object({
  /** Days (`yyyy-mm-dd`) or times in ISO 8601, UTC. */
  since: z.string().optional(),
  until: z.string().optional(),
  /** `csv` is answered as a file instead. */
  format: z.enum(["json", "csv"]).optional(),
});

const listOf = <Item extends z.ZodType>(item: Item) => z.object({ data: z.array(item) });

export const gatewayApi = {
  version: endpoint({
    method: "GET",
    path: "/v1/version",
    summary: "Which API answers here, and the time there",
    query: nothing,
    answer: versionSchema("depinfer-gateway"),
  }),
  key: endpoint({
    method: "GET",
    path: "/v1/key",
    summary: "What this key may do and has spent",
    query: nothing,
    answer: gatewayKeySchema,
  }),
  models: endpoint({
    method: "GET",
    path: "/v1/models",
    summary: "Models on offer",
    query: nothing,
    answer: listOf(gatewayModelSchema),
  }),
  model: endpoint({
    method: "GET",
    path: "/v1/models/:id",
    summary: "A model, and what is proven of it",
    query: nothing,
    answer: gatewayModelSchema,
  }),
  offers: endpoint({
    method: "GET",
    path: "/v1/offers",
    summary: "Offers as this gateway knows them now",
    query: nothing,
    answer: listOf(gatewayOfferSchema),
  }),
  receipts: endpoint({
    method: "GET",
    path: "/v1/receipts",
    summary: "Requests of this key, newest first",
    query: receiptQuerySchema,
    answer: z.object({ data: z.array(gatewayRequestSchema), next: z.string().nullable() }),
  }),
  receipt: endpoint({
    method: "GET",
    path: "/v1/receipts/:id",
    summary: "Everything that is needed to check one answer",
    query: nothing,
    answer: gatewayReceiptSchema,
  }),
  why: endpoint({
    method: "GET",
    path: "/v1/requests/:id/why",
    summary: "Which providers were asked for an answer, and why no others",
    query: nothing,
    answer: gatewayWhySchema,
  }),
  statement: endpoint({
    method: "GET",
    path: "/v1/statement",
    summary: "What was bought, by day, model and provider",
    query: statementQuerySchema,
    answer: gatewayStatementSchema,
  }),
  pulse: endpoint({
    method: "GET",
    path: "/v1/pulse",
    summary: "What this gateway did in the last minute, of all keys together",
    query: nothing,
    answer: gatewayPulseSchema,
  }),
  pass: endpoint({
    method: "GET",
    path: "/v1/pass",
    summary: "The pass that pays for this key, and what another one has to name",
    query: nothing,
    answer: gatewayPassSchema,
  }),
  bindPass: endpoint({
    method: "PUT",
    path: "/v1/pass",
    summary: "Lets a pass pay for this key, by its holder's signature",
    query: nothing,
    body: bindPassSchema,
    answer: gatewayPassSchema,
  }),
  unbindPass: endpoint({
    method: "DELETE",
    path: "/v1/pass",
    summary: "Lets the gateway's wallet pay for this key again",
    query: nothing,
    answer: gatewayPassSchema,
  }),
} as const;

/** Where a key's own events are streamed; see `gatewayEvents`. */
export const GATEWAY_EVENTS_PATH = "/v1/events";
