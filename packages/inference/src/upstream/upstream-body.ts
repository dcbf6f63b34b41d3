import { type Constraint, type Generation, type TextPrompt, type Tool, textPrompt } from "@depinfer/protocol";
import type { GenerationPath } from "./probe.ts";

/** A request to an OpenAI-compatible server: where it goes and what it holds. */
export interface UpstreamRequest {
  readonly path: GenerationPath;
  readonly body: object;
}

/** Everything of a request that decides its answer, as the server's API writes it. */
export function upstreamRequest(model: string, generation: Generation, maxTokens: number): UpstreamRequest {
  const { temperature, seed, stop, topP, presencePenalty, frequencyPenalty, logitBias, constraint } = generation;
  const prompt = textPrompt(generation.prompt);
  const path: GenerationPath = "messages" in prompt ? "chat/completions" : "completions";
  const body = {
    model,
    ...("messages" in prompt ? { messages: prompt.messages.map(messageOf) } : { prompt: prompt.text }),
    temperature,
    max_tokens: maxTokens,
    stream: true,
    stream_options: { include_usage: true },
    ...logprobsOf(path, generation.logprobs),
    ...(seed === null ? {} : { seed }),
    ...(stop.length === 0 ? {} : { stop }),
    ...(topP === 1 ? {} : { top_p: topP }),
    ...(presencePenalty === 0 ? {} : { presence_penalty: presencePenalty }),
    ...(frequencyPenalty === 0 ? {} : { frequency_penalty: frequencyPenalty }),
    ...(logitBias.length === 0 ? {} : { logit_bias: Object.fromEntries(logitBias) }),
    ...(constraint === null ? {} : constraintOf(constraint)),
  };
  return { path, body };
}

function logprobsOf(path: GenerationPath, count: number | null): object {
  if (count === null) {
    return {};
  }
  return path === "completions" ? { logprobs: count } : { logprobs: true, top_logprobs: count };
}

type Message = Extract<TextPrompt, { messages: unknown }>["messages"][number];

function messageOf({ role, content, toolCalls, toolCallId, images }: Message): object {
  const parts = (images ?? []).map(({ url, detail }) => ({ type: "image_url", image_url: { url, detail } }));
  return {
    role,
    content: parts.length === 0 ? content : [...(content === "" ? [] : [{ type: "text", text: content }]), ...parts],
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
    ...(toolCalls === undefined
      ? {}
      : {
          tool_calls: toolCalls.map(({ id, name, arguments: text }) => ({
            id,
            type: "function",
            function: { name, arguments: text },
          })),
        }),
  };
}

function constraintOf(constraint: Constraint): object {
  switch (constraint.kind) {
    case "json":
      return { response_format: { type: "json_object" } };
    case "schema":
      return {
        response_format: {
          type: "json_schema",
          json_schema: { name: "answer", schema: constraint.schema, strict: true },
        },
      };
    case "tools": {
      const { tools, mode, parallel, otherwise } = constraint;
      return {
        ...(otherwise === null ? {} : constraintOf(otherwise)),
        tools: tools.map(toolOf),
        tool_choice: mode,
        parallel_tool_calls: parallel,
      };
    }
  }
}

function toolOf({ name, description, parameters }: Tool): object {
  return { type: "function", function: { name, description, parameters } };
}
