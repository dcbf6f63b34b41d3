import type { Usage } from "@depinfer/protocol";
import type { AnswerReader } from "./answer-reader.ts";
import type { ResponseIdentity } from "./chunks.ts";
import type { FinishReason } from "./finish-reason.ts";
import { usageBody } from "./usage.ts";

/** One of the answers to a request. */
export interface WholeChoice {
  readonly reader: AnswerReader;
  /** As the endpoint tells them, or null. */
  readonly logprobs: object | null;
  readonly reason: FinishReason;
}

/** The whole answer as one body. */
export function completeBody(
  { endpoint, id, created, model, fingerprint }: ResponseIdentity,
  choices: readonly WholeChoice[],
  usage: Usage,
) {
  const common = { created, model, system_fingerprint: fingerprint };
  return endpoint === "chat"
    ? {
        id,
        object: "chat.completion",
        ...common,
        choices: choices.map(({ reader, logprobs, reason }, index) => ({
          index,
          message: messageOf(reader),
          logprobs,
          finish_reason: reason,
        })),
        usage: usageBody(usage),
      }
    : {
        id,
        object: "text_completion",
        ...common,
        choices: choices.map(({ reader, logprobs, reason }, index) => ({
          index,
          text: reader.text,
          logprobs,
          finish_reason: reason,
        })),
        usage: usageBody(usage),
      };
}

function messageOf({ text, calls }: AnswerReader) {
  const message = { role: "assistant", content: text, refusal: null, annotations: [] };
  if (calls.length === 0) {
    return message;
  }
  return {
    ...message,
    content: text.trim() === "" ? null : text,
    tool_calls: calls.map(({ id, name, arguments: text }) => ({
      id,
      type: "function",
      function: { name, arguments: text },
    })),
  };
}
