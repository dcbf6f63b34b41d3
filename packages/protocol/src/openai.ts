import { z } from "zod";
import { DepinferError } from "./errors.ts";
import { type MinimumLevel, minimumLevelSchema } from "./proof-level.ts";
import { type Endpoint, parseJson } from "./request.ts";
import { type NamedTensors, type ParsedTensors, parseTensorBody } from "./tensors.ts";

/*
 * Bodies of the OpenAI-compatible endpoints. One schema serves the gateway, which refuses what it cannot honour, the
 * provider, which generates from it, and the validator, which generates the same prompt again. A parameter is either
 * honoured or refused by name; none is dropped.
 */

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const content = z
  .union([z.string(), z.array(textPart).min(1)])
  .transform((value) => (typeof value === "string" ? value : value.map((part) => part.text).join("")));

const message = z.strictObject({
  role: z.enum(["system", "developer", "user", "assistant"]),
  content,
  name: z.string().max(64).optional(),
});

const stop = z
  .union([z.string().min(1).max(200), z.array(z.string().min(1).max(200)).min(1).max(4), z.null()])
  .transform((value) => (value === null ? [] : typeof value === "string" ? [value] : value));

const shared = {
  model: z.string().min(1).max(300),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.literal(false).optional() })
    .nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  seed: z.int().nullish(),
  stop: stop.optional(),
  max_tokens: z.int().min(1).max(1_000_000).nullish(),
  // Accepted only at the value that changes nothing, so that no caller believes them to be honoured.
  n: z.literal(1).nullish(),
  top_p: z.literal(1).nullish(),
  presence_penalty: z.literal(0).nullish(),
  frequency_penalty: z.literal(0).nullish(),
  user: z.string().max(512).optional(),
  /** Ours: the least that the answer has to be provable. It travels in the body, so the request's hash binds it. */
  proof: z.strictObject({ min: minimumLevelSchema.optional() }).optional(),
};

const chatBody = z.strictObject({
  ...shared,
  messages: z.array(message).min(1).max(10_000),
  max_completion_tokens: z.int().min(1).max(1_000_000).nullish(),
  logprobs: z.literal(false).nullish(),
  response_format: z.strictObject({ type: z.literal("text") }).nullish(),
});

const completionBody = z.strictObject({
  ...shared,
  prompt: z.union([
    z.string(),
    z
      .array(z.string())
      .length(1)
      .transform((only) => only[0] ?? ""),
  ]),
  echo: z.literal(false).nullish(),
  best_of: z.literal(1).nullish(),
});

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A prompt of a model of text. */
export type TextPrompt = { readonly messages: readonly ChatMessage[] } | { readonly text: string };

/** What decides the answer: the prompt and how to sample from it. */
export interface Generation {
  readonly prompt: TextPrompt | { readonly tensors: NamedTensors };
  /** 0 is greedy. */
  readonly temperature: number;
  /** Set when the app asked for a repeatable answer. */
  readonly seed: number | null;
  readonly stop: readonly string[];
  /** Limit that the app gave, or null. */
  readonly maxTokens: number | null;
}

/** A body after validation: what decides the answer, and how the app wants to receive it. */
export interface ParsedBody {
  readonly generation: Generation;
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** What the app demands in `proof.min`, or null. */
  readonly minProofLevel: MinimumLevel | null;
}

/** Sampling temperature when the app names none, as in OpenAI's API. */
const DEFAULT_TEMPERATURE = 1;

/**
 * Validates the body of `/v1/chat/completions`, `/v1/completions` or `/v1/infer`.
 *
 * @throws DepinferError `request.malformed` for text that is not JSON, `request.invalid` naming the parameter otherwise.
 */
export function parseBody(endpoint: Endpoint, bytes: Uint8Array): ParsedBody {
  if (endpoint === "infer") {
    return assembleTensors(parseTensorBody(bytes));
  }
  const value = parseJson(bytes, "The request body");
  if (endpoint === "chat") {
    const body = check(chatBody, value);
    const messages = body.messages.map(
      ({ role, content: text }): ChatMessage => ({ role: role === "developer" ? "system" : role, content: text }),
    );
    return assemble(body, { messages }, body.max_completion_tokens ?? body.max_tokens ?? null);
  }
  const body = check(completionBody, value);
  return assemble(body, { text: body.prompt }, body.max_tokens ?? null);
}

/** Nothing is drawn from tensors, so there is nothing to choose but how much may come back. */
function assembleTensors({ model, inputs, maxOutputWords, minProofLevel }: ParsedTensors): ParsedBody {
  return {
    generation: { prompt: { tensors: inputs }, temperature: 0, seed: null, stop: [], maxTokens: maxOutputWords },
    model,
    stream: false,
    includeUsage: false,
    minProofLevel,
  };
}

/**
 * The prompt of a request for an engine of text.
 *
 * @throws DepinferError `request.invalid` when the request is about tensors.
 */
export function textPrompt(prompt: Generation["prompt"]): TextPrompt {
  if ("tensors" in prompt) {
    throw wrongEndpoint("tensors", "text");
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
  body: Pick<
    z.output<typeof chatBody>,
    "model" | "stream" | "stream_options" | "temperature" | "seed" | "stop" | "proof"
  >,
  prompt: TextPrompt,
  maxTokens: number | null,
): ParsedBody {
  return {
    generation: {
      prompt,
      temperature: body.temperature ?? DEFAULT_TEMPERATURE,
      seed: body.seed ?? null,
      stop: body.stop ?? [],
      maxTokens,
    },
    model: body.model,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    minProofLevel: body.proof?.min ?? null,
  };
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
