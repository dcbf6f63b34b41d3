import { requestPolicySchema } from "@depinfer/protocol";
import { z } from "zod";

/* Bodies of `/v1/messages`, as Anthropic's API has them. What cannot be honoured is refused by its name. */

const name = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
/** Where a prompt may be cached. Providers cache by themselves, and a cached prompt is charged as one. */
const cache_control = z.strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() }).nullish();

/** Members of answers that clients send back as they came. */
const nothing = z.null().optional();
const caller = z.strictObject({ type: z.literal("direct") }).optional();

const text = z.strictObject({ type: z.literal("text"), text: z.string(), cache_control, citations: nothing });
const image = z.strictObject({
  type: z.literal("image"),
  source: z.union([
    z.strictObject({ type: z.literal("base64"), media_type: z.string().regex(/^image\//), data: z.base64() }),
    z.strictObject({ type: z.literal("url"), url: z.string() }),
  ]),
  cache_control,
});
const toolUse = z.strictObject({
  type: z.literal("tool_use"),
  id: z.string().min(1).max(200),
  name,
  input: z.record(z.string(), z.json()),
  cache_control,
  caller,
  toolset_name: nothing,
});
const toolResult = z.strictObject({
  type: z.literal("tool_result"),
  tool_use_id: z.string().min(1).max(200),
  content: z.union([z.string(), z.array(text)]).optional(),
  is_error: z.boolean().optional(),
  cache_control,
});

const message = z.union([
  z.strictObject({
    role: z.literal("user"),
    content: z.union([z.string(), z.array(z.union([text, image, toolResult])).min(1)]),
  }),
  z.strictObject({
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(z.union([text, toolUse])).min(1)]),
  }),
  z.strictObject({ role: z.literal("system"), content: z.union([z.string(), z.array(text).min(1)]) }),
]);
export type Message = z.output<typeof message>;

const tool = z.strictObject({
  type: z.literal("custom").nullish(),
  name,
  description: z.string().optional(),
  input_schema: z.record(z.string(), z.json()),
  cache_control,
  strict: z.boolean().optional(),
  allowed_callers: z.tuple([z.literal("direct")]).optional(),
  // Arguments are streamed as they come, asked for or not.
  eager_input_streaming: z.boolean().nullish(),
});

const parallel = { disable_parallel_tool_use: z.boolean().optional() };
const toolChoice = z.union([
  z.strictObject({ type: z.literal("auto"), ...parallel }),
  z.strictObject({ type: z.literal("any"), ...parallel }),
  z.strictObject({ type: z.literal("tool"), name, ...parallel }),
  z.strictObject({ type: z.literal("none") }),
]);

const prompt = {
  model: z.string().min(1).max(300),
  messages: z.array(message).min(1).max(10_000),
  system: z.union([z.string(), z.array(text)]).optional(),
  tools: z.array(tool).max(128).optional(),
  tool_choice: toolChoice.optional(),
};

export const messageRequestSchema = z.strictObject({
  ...prompt,
  max_tokens: z.int().min(1).max(1_000_000),
  stop_sequences: z.array(z.string().min(1).max(200)).max(4).optional(),
  stream: z.boolean().optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  metadata: z.strictObject({ user_id: z.string().max(512).nullish() }).optional(),
  service_tier: z.enum(["auto", "standard_only"]).optional(),
  cache_control,
  output_config: z
    .strictObject({
      effort: nothing,
      format: z.strictObject({ type: z.literal("json_schema"), schema: z.record(z.string(), z.json()) }).nullish(),
    })
    .optional(),
  // Accepted only at the value that changes nothing.
  thinking: z.strictObject({ type: z.literal("disabled") }).optional(),
  speed: z.literal("standard").nullish(),
  container: nothing,
  diagnostics: nothing,
  inference_geo: nothing,
  depinfer: requestPolicySchema.optional(),
});
export type MessageRequest = z.output<typeof messageRequestSchema>;
