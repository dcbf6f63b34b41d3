import { z } from "zod";

/* What the endpoints answer, for the document that describes them and for the tests that hold them to it. */

const usage = z.strictObject({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.strictObject({ cached_tokens: z.int(), audio_tokens: z.int() }),
  completion_tokens_details: z.strictObject({
    reasoning_tokens: z.int(),
    audio_tokens: z.int(),
    accepted_prediction_tokens: z.int(),
    rejected_prediction_tokens: z.int(),
  }),
});

const logprob = z.strictObject({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()) });
const positionLogprob = z.strictObject({ ...logprob.shape, top_logprobs: z.array(logprob) });
const chatLogprobs = z.strictObject({ content: z.array(positionLogprob), refusal: z.null() }).nullable();
const completionLogprobs = z
  .strictObject({
    tokens: z.array(z.string()),
    token_logprobs: z.array(z.number()),
    top_logprobs: z.array(z.record(z.string(), z.number())),
    text_offset: z.array(z.int()),
  })
  .nullable();

const finishReason = z.enum(["stop", "length", "tool_calls"]);
const toolCall = z.strictObject({
  id: z.string(),
  type: z.literal("function"),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
});

const head = { id: z.string(), created: z.int(), model: z.string(), system_fingerprint: z.string() };

export const chatAnswerSchema = z.strictObject({
  ...head,
  object: z.literal("chat.completion"),
  choices: z.array(
    z.strictObject({
      index: z.int(),
      message: z.strictObject({
        role: z.literal("assistant"),
        content: z.string().nullable(),
        refusal: z.null(),
        annotations: z.array(z.never()),
        tool_calls: z.array(toolCall).optional(),
      }),
      logprobs: chatLogprobs,
      finish_reason: finishReason,
    }),
  ),
  usage,
});

export const chatChunkSchema = z.strictObject({
  ...head,
  object: z.literal("chat.completion.chunk"),
  choices: z.array(
    z.strictObject({
      index: z.int(),
      delta: z.strictObject({
        role: z.literal("assistant").optional(),
        content: z.string().optional(),
        refusal: z.null().optional(),
        tool_calls: z
          .array(
            z.strictObject({
              index: z.int(),
              id: z.string().optional(),
              type: z.literal("function").optional(),
              function: z.strictObject({ name: z.string().optional(), arguments: z.string() }),
            }),
          )
          .optional(),
      }),
      logprobs: chatLogprobs,
      finish_reason: finishReason.nullable(),
    }),
  ),
  usage: usage.nullable().optional(),
});

export const completionAnswerSchema = z.strictObject({
  ...head,
  object: z.literal("text_completion"),
  choices: z.array(
    z.strictObject({
      index: z.int(),
      text: z.string(),
      logprobs: completionLogprobs,
      finish_reason: finishReason.nullable(),
    }),
  ),
  usage: usage.nullable().optional(),
});

export const embeddingAnswerSchema = z.strictObject({
  object: z.literal("list"),
  data: z.array(
    z.strictObject({
      object: z.literal("embedding"),
      index: z.int(),
      embedding: z.union([z.array(z.number()), z.base64()]),
    }),
  ),
  model: z.string(),
  usage: z.strictObject({ prompt_tokens: z.int(), total_tokens: z.int() }),
});

export const errorSchema = z.strictObject({
  error: z.strictObject({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string() }),
});

export const messageErrorSchema = z.strictObject({
  type: z.literal("error"),
  error: z.strictObject({
    type: z.string(),
    message: z.string(),
    param: z.string().nullable(),
    code: z.string(),
  }),
  request_id: z.null(),
});

const textBlock = z.strictObject({ type: z.literal("text"), text: z.string(), citations: z.null() });
const toolUseBlock = z.strictObject({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: z.json(),
  caller: z.strictObject({ type: z.literal("direct") }),
});

export const messageAnswerSchema = z.strictObject({
  id: z.string(),
  type: z.literal("message"),
  role: z.literal("assistant"),
  model: z.string(),
  content: z.array(z.union([textBlock, toolUseBlock])),
  stop_reason: z.enum(["end_turn", "max_tokens", "stop_sequence", "tool_use"]).nullable(),
  stop_sequence: z.string().nullable(),
  stop_details: z.null(),
  container: z.null(),
  diagnostics: z.null(),
  usage: z.strictObject({
    input_tokens: z.int(),
    cache_creation: z.null(),
    cache_creation_input_tokens: z.int(),
    cache_read_input_tokens: z.int(),
    inference_geo: z.null(),
    output_tokens: z.int(),
    output_tokens_details: z.strictObject({ thinking_tokens: z.int() }),
    server_tool_use: z.null(),
    service_tier: z.literal("standard"),
    speed: z.literal("standard"),
  }),
});

const itemStatus = z.enum(["in_progress", "completed", "incomplete"]);
const outputText = z.strictObject({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(z.never()),
  logprobs: z.array(positionLogprob),
});
export const outputItemSchema = z.union([
  z.strictObject({
    id: z.string(),
    type: z.literal("message"),
    role: z.literal("assistant"),
    status: itemStatus,
    content: z.array(outputText),
  }),
  z.strictObject({
    id: z.string(),
    type: z.literal("function_call"),
    status: itemStatus,
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
  }),
]);

export const responseAnswerSchema = z.strictObject({
  id: z.string(),
  object: z.literal("response"),
  created_at: z.int(),
  completed_at: z.int().nullable(),
  status: z.enum(["in_progress", "completed", "incomplete", "failed"]),
  access_programs: z.null(),
  background: z.literal(false),
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  incomplete_details: z.strictObject({ reason: z.literal("max_output_tokens") }).nullable(),
  instructions: z.string().nullable(),
  max_output_tokens: z.int().nullable(),
  max_tool_calls: z.null(),
  model: z.string(),
  output: z.array(outputItemSchema),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.string().nullable(),
  prompt_cache_key: z.string().nullable(),
  reasoning: z.strictObject({ effort: z.null(), summary: z.null() }),
  safety_identifier: z.string().nullable(),
  service_tier: z.literal("default"),
  store: z.boolean(),
  temperature: z.number(),
  text: z.strictObject({ format: z.unknown(), verbosity: z.literal("medium") }),
  tool_choice: z.unknown(),
  tools: z.array(z.unknown()),
  top_logprobs: z.int(),
  top_p: z.number(),
  presence_penalty: z.number(),
  frequency_penalty: z.number(),
  truncation: z.literal("disabled"),
  usage: z
    .strictObject({
      input_tokens: z.int(),
      input_tokens_details: z.strictObject({ cached_tokens: z.int() }),
      output_tokens: z.int(),
      output_tokens_details: z.strictObject({ reasoning_tokens: z.int() }),
      total_tokens: z.int(),
    })
    .nullable(),
  user: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
});

export const fileSchema = z.strictObject({
  id: z.string(),
  object: z.literal("file"),
  bytes: z.int(),
  created_at: z.int(),
  filename: z.string(),
  purpose: z.enum(["batch", "batch_output"]),
  status: z.literal("processed"),
});

const time = z.int().nullable();
export const batchSchema = z.strictObject({
  id: z.string(),
  object: z.literal("batch"),
  endpoint: z.string(),
  errors: z.null(),
  input_file_id: z.string(),
  completion_window: z.literal("24h"),
  status: z.enum(["in_progress", "finalizing", "completed", "cancelling", "cancelled", "expired"]),
  output_file_id: z.string().nullable(),
  error_file_id: z.string().nullable(),
  created_at: z.int(),
  in_progress_at: time,
  expires_at: time,
  finalizing_at: time,
  completed_at: time,
  failed_at: time,
  expired_at: time,
  cancelling_at: time,
  cancelled_at: time,
  request_counts: z.strictObject({ total: z.int(), completed: z.int(), failed: z.int() }),
  metadata: z.record(z.string(), z.string()).nullable(),
});
