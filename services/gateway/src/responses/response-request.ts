import { requestPolicySchema } from "@depinfer/protocol";
import { z } from "zod";

/*
 * Bodies of `/v1/responses`. What the market's chat endpoint checks again, tools' schemas and ranges say, is passed on as
 * it is; what this endpoint cannot honour is refused here by its name.
 */

const name = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

const inputText = z.strictObject({ type: z.literal("input_text"), text: z.string() });
const inputImage = z.strictObject({
  type: z.literal("input_image"),
  image_url: z.string().min(1),
  detail: z.enum(["auto", "low", "high"]).nullish(),
});
const outputText = z.strictObject({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(z.never()).optional(),
  logprobs: z.array(z.unknown()).optional(),
});
const refusal = z.strictObject({ type: z.literal("refusal"), refusal: z.string() });

const message = z.strictObject({
  type: z.literal("message").optional(),
  id: z.string().max(200).nullish(),
  status: z.enum(["in_progress", "completed", "incomplete"]).nullish(),
  role: z.enum(["system", "developer", "user", "assistant"]),
  content: z.union([z.string(), z.array(z.union([inputText, inputImage, outputText, refusal])).min(1)]),
  phase: z.enum(["commentary", "final_answer"]).nullish(),
});
const functionCall = z.strictObject({
  type: z.literal("function_call"),
  id: z.string().max(200).nullish(),
  status: z.enum(["in_progress", "completed", "incomplete"]).nullish(),
  call_id: z.string().min(1).max(200),
  name,
  arguments: z.string(),
});
const functionCallOutput = z.strictObject({
  type: z.literal("function_call_output"),
  id: z.string().max(200).nullish(),
  status: z.enum(["in_progress", "completed", "incomplete"]).nullish(),
  call_id: z.string().min(1).max(200),
  output: z.union([z.string(), z.array(inputText).min(1)]),
});

export const itemSchema = z.union([message, functionCall, functionCallOutput]);
export type Item = z.output<typeof itemSchema>;

const tool = z.strictObject({
  type: z.literal("function"),
  name,
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.json()).nullish(),
  strict: z.boolean().nullish(),
});

const toolChoice = z.union([
  z.enum(["none", "auto", "required"]),
  z.strictObject({ type: z.literal("function"), name }),
  z.strictObject({
    type: z.literal("allowed_tools"),
    mode: z.enum(["auto", "required"]),
    tools: z.array(z.strictObject({ type: z.literal("function"), name })).min(1),
  }),
]);

const format = z.union([
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({
    type: z.literal("json_schema"),
    name,
    description: z.string().nullish(),
    schema: z.record(z.string(), z.json()),
    strict: z.boolean().nullish(),
  }),
]);

const INCLUDED = [
  "message.output_text.logprobs",
  // There is no reasoning in answers, so its encrypted form is always there.
  "reasoning.encrypted_content",
] as const;

export const responseRequestSchema = z.strictObject({
  model: z.string().min(1).max(300),
  input: z.union([z.string(), z.array(itemSchema).min(1).max(10_000)]),
  instructions: z.string().nullish(),
  previous_response_id: z.string().min(1).max(200).nullish(),
  tools: z.array(tool).max(128).nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z.strictObject({ format: format.nullish(), verbosity: z.literal("medium").nullish() }).nullish(),
  max_output_tokens: z.int().min(1).max(1_000_000).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  include: z.array(z.enum(INCLUDED)).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.literal(false).optional() }).nullish(),
  service_tier: z.enum(["auto", "default"]).nullish(),
  // What they hint at has no effect on an answer here.
  user: z.string().max(512).nullish(),
  safety_identifier: z.string().max(512).nullish(),
  prompt_cache_key: z.string().max(512).nullish(),
  // Accepted only at the value that changes nothing.
  background: z.literal(false).nullish(),
  truncation: z.literal("disabled").nullish(),
  max_tool_calls: z.null().optional(),
  reasoning: z.strictObject({ effort: z.enum(["none"]).nullish(), summary: z.null().optional() }).nullish(),
  depinfer: requestPolicySchema.optional(),
});
export type ResponseRequest = z.output<typeof responseRequestSchema>;
