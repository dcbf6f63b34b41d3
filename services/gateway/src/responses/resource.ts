import type { Answer } from "@depinfer/client";
import type { Hex, Usage } from "@depinfer/protocol";
import { idOf, partId } from "../chat/identity.ts";
import type { ResponseRequest } from "./response-request.ts";

/** A part of a response's output. */
export type OutputItem =
  | {
      readonly id: string;
      readonly type: "message";
      readonly role: "assistant";
      readonly status: ItemStatus;
      readonly content: readonly TextPart[];
    }
  | {
      readonly id: string;
      readonly type: "function_call";
      readonly status: ItemStatus;
      readonly call_id: string;
      readonly name: string;
      readonly arguments: string;
    };
export type ItemStatus = "in_progress" | "completed" | "incomplete";
export interface TextPart {
  readonly type: "output_text";
  readonly text: string;
  readonly annotations: readonly never[];
  readonly logprobs: readonly object[];
}

/** How far a response is. */
export type Progress =
  | { readonly status: "in_progress" }
  | { readonly status: "failed"; readonly error: { readonly code: string; readonly message: string } }
  | { readonly status: "ended"; readonly stopReason: Answer["stopReason"]; readonly usage: Usage; readonly at: number };

export function responseId(requestId: Hex): string {
  return idOf("resp_", requestId);
}

export function itemId(requestId: Hex, type: OutputItem["type"], index: number): string {
  return partId(type === "message" ? "msg_" : "fc_", requestId, index);
}

/** The response object. @param created Unix second. */
export function responseBody(
  request: ResponseRequest,
  id: string,
  created: number,
  output: readonly OutputItem[],
  progress: Progress,
) {
  const ended = progress.status === "ended" ? progress : null;
  const cut = ended?.stopReason === "length";
  return {
    id,
    object: "response",
    created_at: created,
    completed_at: ended === null || cut ? null : ended.at,
    access_programs: null,
    status: ended === null ? progress.status : cut ? "incomplete" : "completed",
    background: false,
    error: progress.status === "failed" ? progress.error : null,
    incomplete_details: cut ? { reason: "max_output_tokens" } : null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: null,
    model: request.model,
    output,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    reasoning: { effort: null, summary: null },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: "default",
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: { format: request.text?.format ?? { type: "text" }, verbosity: "medium" },
    tool_choice: request.tool_choice ?? "auto",
    tools: (request.tools ?? []).map((tool) => ({
      type: tool.type,
      name: tool.name,
      description: tool.description ?? null,
      parameters: tool.parameters ?? null,
      strict: tool.strict ?? true,
    })),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    presence_penalty: request.presence_penalty ?? 0,
    frequency_penalty: request.frequency_penalty ?? 0,
    truncation: "disabled",
    usage: ended === null ? null : usageOf(ended.usage),
    user: request.user ?? null,
    metadata: request.metadata ?? {},
  };
}

function usageOf({ promptTokens, cachedTokens, outputTokens }: Usage) {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + outputTokens,
  };
}
