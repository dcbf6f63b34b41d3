import type { Answer } from "@depinfer/client";
import type { AnswerReader } from "./answer-reader.ts";

export type FinishReason = "stop" | "length" | "tool_calls";

/** Why an answer ended. One that was cut by its limit may hold half a call, and must not be taken for a whole one. */
export function finishReason(stopReason: Answer["stopReason"], { calls }: Pick<AnswerReader, "calls">): FinishReason {
  if (stopReason === "length") {
    return "length";
  }
  return calls.length > 0 ? "tool_calls" : "stop";
}
