import { z } from "zod";
import { constraintOf, formParameters, messageSchema, toMessage } from "./chat-body.ts";
import { DepinferError } from "./errors.ts";
import { FEATURES, type Feature } from "./features.ts";
import { type Generation, PLAIN_SAMPLING, type TextPrompt } from "./generation.ts";
import { type MinimumLevel, minimumLevelSchema, strictestLevel } from "./proof-level.ts";
import { type Endpoint, parseJson } from "./request.ts";
import { type RequestPolicy, requestPolicySchema } from "./request-policy.ts";
import { type ParsedTensors, parseTensorBody } from "./tensors.ts";

/*
 * Bodies of the OpenAI-compatible endpoints. One schema serves the gateway, which refuses what it cannot honour, the
 * provider, which generates from it, and the validator, which generates the same prompt again. A parameter is either
 * honoured or refused by name; none is dropped.
 */

const stop = z
  .union([z.string().min(1).max(200), z.array(z.string().min(1).max(200)).max(4), z.null()])
  .transform((value) => (value === null ? [] : typeof value === "string" ? [value] : value));

/** Choices of one request; each is bought, generated and proven by itself. */
export const MOST_CHOICES = 8;
const MOST_BIASES = 300;

const logitBias = z
  .record(z.string().regex(/^\d{1,9}$/, "expected a token id"), z.number().min(-100).max(100))
  .refine((biases) => Object.keys(biases).length <= MOST_BIASES, `expected at most ${MOST_BIASES} tokens`)
  .transform((biases) =>
    Object.entries(biases)
      .map(([token, bias]) => [Number(token), bias] as const)
      .toSorted(([a], [b]) => a - b),
  )
  .refine((biases) => new Set(biases.map(([token]) => token)).size === biases.length, "expected each token once");

/** Parameters of every endpoint. */
const common = {
  model: z.string().min(1).max(300),
  user: z.string().max(512).nullish(),
  /** Ours: the least that the answer has to be provable. It travels in the body, so the request's hash binds it. */
  proof: z.strictObject({ min: minimumLevelSchema.optional() }).optional(),
  /** Ours: what is demanded of whoever answers. */
  depinfer: requestPolicySchema.optional(),
  // Said to whoever keeps records; nothing of the answer depends on them.
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  safety_identifier: z.string().max(512).nullish(),
  prompt_cache_key: z.string().max(512).nullish(),
};

/** Parameters of endpoints that generate text. */
const shared = {
  ...common,
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.literal(false).optional() })
    .nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: logitBias.nullish(),
  seed: z.int().nullish(),
  stop: stop.optional(),
  max_tokens: z.int().min(1).max(1_000_000).nullish(),
  n: z.int().min(1).max(MOST_CHOICES).nullish(),
};

const chatBody = z.strictObject({
  ...shared,
  ...formParameters,
  messages: z.array(messageSchema).min(1).max(10_000),
  max_completion_tokens: z.int().min(1).max(1_000_000).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  // Accepted only at the value that changes nothing, so that no caller believes them to be honoured.
  store: z.literal(false).nullish(),
  service_tier: z.enum(["auto", "default"]).nullish(),
  modalities: z.tuple([z.literal("text")]).nullish(),
  prediction: z.null().optional(),
  audio: z.null().optional(),
  reasoning_effort: z.null().optional(),
  verbosity: z.null().optional(),
  web_search_options: z.null().optional(),
  functions: z.null().optional(),
  function_call: z.null().optional(),
});

const completionBody = z.strictObject({
  ...shared,
  prompt: z.union(
    [
      z.string(),
      z
        .array(z.string())
        .length(1)
        .transform((only) => only[0] ?? ""),
    ],
    "expected one text; several prompts, and prompts of token ids, are requests of their own",
  ),
  logprobs: z.int().min(0).max(5).nullish(),
  echo: z.literal(false).nullish(),
  best_of: z.literal(1).nullish(),
  suffix: z.null().optional(),
});

const MOST_INPUTS = 2_048;
const tokenIds = z.array(z.int().min(0).max(0xffff_ffff)).min(1).max(1_000_000);
const embeddingBody = z.strictObject({
  ...common,
  input: z
    .union([
      z.string().transform((text) => [text]),
      z.array(z.string()).min(1).max(MOST_INPUTS),
      tokenIds.transform((ids) => [ids]),
      z.array(tokenIds).min(1).max(MOST_INPUTS),
    ])
    .transform((inputs): readonly (string | readonly number[])[] => inputs),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).max(100_000).nullish(),
});

/** The schemas of the bodies, for documents that describe them. */
export const BODY_SCHEMAS = { chat: chatBody, completion: completionBody, embedding: embeddingBody } as const;

/** A body after validation: what decides the answer, and how the app wants to receive it. */
export interface ParsedBody {
  readonly generation: Generation;
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** What the app demands in `proof.min` and `depinfer.minProof`, or null. */
  readonly minProofLevel: MinimumLevel | null;
  /** 1 to 8 answers; each is a request of its own, with its index as the terms' `choice`. */
  readonly n: number;
  /** What an offer has to honour to be asked. */
  readonly features: readonly Feature[];
  readonly policy: RequestPolicy | null;
  readonly user: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** How the app wants to receive vectors. */
  readonly encoding: "float" | "base64";
}

/** Sampling temperature when the app names none, as in OpenAI's API. */
const DEFAULT_TEMPERATURE = 1;

/**
 * Validates the body of `/v1/chat/completions`, `/v1/completions`, `/v1/embeddings` or `/v1/infer`.
 *
 * @throws DepinferError `request.malformed` for text that is not JSON, `request.invalid` naming the parameter otherwise.
 */
export function parseBody(endpoint: Endpoint, bytes: Uint8Array): ParsedBody {
  if (endpoint === "infer") {
    return assembleTensors(parseTensorBody(bytes));
  }
  const value = parseJson(bytes, "The request body");
  if (endpoint === "embedding") {
    return assembleEmbedding(check(embeddingBody, value));
  }
  if (endpoint === "chat") {
    const body = check(chatBody, value);
    const constraint = constraintOf(body, refuse);
    if (typeof body.top_logprobs === "number" && body.logprobs !== true) {
      refuse("top_logprobs", "it needs logprobs to be true");
    }
    return assemble(
      body,
      { messages: body.messages.map(toMessage) },
      {
        constraint,
        logprobs: body.logprobs === true ? (body.top_logprobs ?? 0) : null,
        maxTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
      },
    );
  }
  const body = check(completionBody, value);
  return assemble(
    body,
    { text: body.prompt },
    { constraint: null, logprobs: body.logprobs ?? null, maxTokens: body.max_tokens ?? null },
  );
}

/** Members that have the same meaning everywhere. */
function assembleCommon(body: Pick<z.output<typeof embeddingBody>, keyof typeof common>) {
  const demands = [body.proof?.min, body.depinfer?.minProof].filter((level) => level !== undefined);
  return {
    model: body.model,
    minProofLevel: demands.length === 0 ? null : strictestLevel(demands),
    policy: body.depinfer ?? null,
    user: body.user ?? null,
    metadata: body.metadata ?? {},
  };
}

/** Nothing is drawn from tensors, so there is nothing to choose but how much may come back. */
function assembleTensors({ model, inputs, maxOutputWords, minProofLevel }: ParsedTensors): ParsedBody {
  return {
    generation: {
      ...PLAIN_SAMPLING,
      prompt: { tensors: inputs },
      temperature: 0,
      seed: null,
      stop: [],
      maxTokens: maxOutputWords,
    },
    model,
    minProofLevel,
    policy: null,
    user: null,
    metadata: {},
    ...UNSTREAMED,
    features: [],
  };
}

/** Answers that come whole and once. */
const UNSTREAMED = { stream: false, includeUsage: false, n: 1, encoding: "float" } as const;

/** Nothing is drawn for a vector either. */
function assembleEmbedding(body: z.output<typeof embeddingBody>): ParsedBody {
  return {
    ...assembleCommon(body),
    ...UNSTREAMED,
    generation: {
      ...PLAIN_SAMPLING,
      prompt: { inputs: body.input, dimensions: body.dimensions ?? null },
      temperature: 0,
      seed: null,
      stop: [],
      maxTokens: 1,
    },
    features: ["embedding"],
    encoding: body.encoding_format ?? "float",
  };
}

/**
 * The prompt of a request for an engine of text.
 *
 * @throws DepinferError `request.invalid` when the request is about tensors or vectors.
 */
export function textPrompt(prompt: Generation["prompt"]): TextPrompt {
  if ("tensors" in prompt) {
    throw wrongEndpoint("tensors", "text");
  }
  if ("inputs" in prompt) {
    throw wrongEndpoint("vectors", "text");
  }
  return prompt;
}

/** An error for a request that the engine's kind cannot answer. */
export function wrongEndpoint(asked: string, has: string): DepinferError {
  return new DepinferError({
    code: "request.invalid",
    message: `The request is about ${asked}, and this is a model of ${has}`,
    remedy: "Use /v1/infer for models of level `replay`, the other endpoints for models of text",
    metadata: { param: "model" },
  });
}

function assemble(
  body: Pick<z.output<typeof chatBody>, keyof typeof shared>,
  prompt: TextPrompt,
  own: Pick<Generation, "constraint" | "logprobs" | "maxTokens">,
): ParsedBody {
  const generation: Generation = {
    ...own,
    prompt,
    temperature: body.temperature ?? DEFAULT_TEMPERATURE,
    seed: body.seed ?? null,
    stop: body.stop ?? [],
    topP: body.top_p ?? 1,
    presencePenalty: body.presence_penalty ?? 0,
    frequencyPenalty: body.frequency_penalty ?? 0,
    logitBias: body.logit_bias ?? [],
  };
  return {
    ...assembleCommon(body),
    generation,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    n: body.n ?? 1,
    features: featuresOf(generation),
    encoding: "float",
  };
}

/** What an engine has to honour for this, but `continuation`, which depends on how it is asked. */
export function featuresOf(generation: Generation): Feature[] {
  const { prompt, constraint, topP, presencePenalty, frequencyPenalty, logitBias: biases, logprobs } = generation;
  const messages = "messages" in prompt ? prompt.messages : [];
  const format = constraint?.kind === "tools" ? constraint.otherwise : constraint;
  const needed: Readonly<Record<Feature, boolean>> = {
    embedding: "inputs" in prompt,
    json: format !== null,
    tools: constraint?.kind === "tools" || messages.some(({ role, toolCalls }) => role === "tool" || toolCalls),
    logprobs: logprobs !== null,
    penalties: presencePenalty !== 0 || frequencyPenalty !== 0,
    logitBias: biases.length > 0,
    topP: topP < 1,
    continuation: false,
    images: messages.some(({ images }) => images !== undefined),
  };
  return FEATURES.filter((feature) => needed[feature]);
}

function refuse(param: string, why: string): never {
  throw new DepinferError({
    code: "request.invalid",
    message: `Invalid value for ${param}: ${why}`,
    remedy: "Remove the parameter or give it a value that this endpoint honours",
    metadata: { param },
  });
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) {
    return parsed.data;
  }
  const issue = parsed.error.issues[0];
  const unknownKeys = issue?.code === "unrecognized_keys" ? issue.keys : [];
  const path = [...(issue?.path ?? []), ...unknownKeys.slice(0, 1)].map(String).join(".");
  throw new DepinferError({
    code: "request.invalid",
    message:
      unknownKeys.length > 0
        ? `Unknown parameter: ${path}`
        : `Invalid value for ${path === "" ? "the body" : path}: ${issue?.message ?? "not allowed"}`,
    remedy: "Remove the parameter or give it a value that this endpoint honours",
    metadata: { param: path === "" ? null : path },
  });
}
