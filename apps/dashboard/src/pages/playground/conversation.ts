import { z } from "zod";
import type { ApiMessage } from "./settings.ts";

const toolCallSchema = z.object({ id: z.string(), name: z.string(), arguments: z.string() });
export type ToolCall = z.output<typeof toolCallSchema>;

const answerSchema = z.object({
  /** Request id, by which receipt and story are found; null before the gateway has said it. */
  receiptId: z.string().nullable(),
  provider: z.string().nullable(),
  proofLevel: z.string().nullable(),
  model: z.string(),
  state: z.enum(["streaming", "done", "stopped", "failed"]),
  finish: z.string().nullable(),
  promptTokens: z.number().nullable(),
  outputTokens: z.number().nullable(),
  firstTokenMs: z.number().nullable(),
  milliseconds: z.number().nullable(),
  /** Code, message and remedy of what went wrong. */
  fault: z.object({ code: z.string(), message: z.string(), remedy: z.string() }).nullable(),
});
export type Answer = z.output<typeof answerSchema>;

export const turnSchema = z.object({
  key: z.string(),
  role: z.enum(["user", "assistant", "tool"]),
  content: z.string(),
  toolCalls: z.array(toolCallSchema).default([]),
  /** Of a tool's result. */
  toolCallId: z.string().nullable().default(null),
  answer: answerSchema.nullable().default(null),
});
export type Turn = z.output<typeof turnSchema>;

/** A conversation as the API takes it; answers that failed before their first word are left out. */
export function messagesOf(turns: readonly Turn[]): readonly ApiMessage[] {
  return turns.flatMap(({ role, content, toolCalls, toolCallId }): readonly ApiMessage[] => {
    if (role === "tool") {
      return [{ role, content, tool_call_id: toolCallId }];
    }
    if (role === "user") {
      return [{ role, content }];
    }
    if (content === "" && toolCalls.length === 0) {
      return [];
    }
    return [
      {
        role,
        content: content === "" ? null : content,
        ...(toolCalls.length === 0
          ? {}
          : {
              tool_calls: toolCalls.map((call) => ({
                id: call.id,
                type: "function",
                function: { name: call.name, arguments: call.arguments },
              })),
            }),
      },
    ];
  });
}

const STORE = "depinfer.playground";

/** What this tab had before it was reloaded. An answer that was under way then is told as stopped. */
export function restoreTurns(): readonly Turn[] {
  try {
    const turns = z.array(turnSchema).parse(JSON.parse(sessionStorage.getItem(STORE) ?? "[]"));
    return turns.map((turn) =>
      turn.answer?.state === "streaming" ? { ...turn, answer: { ...turn.answer, state: "stopped" } } : turn,
    );
  } catch {
    return [];
  }
}

/** Longest conversation that is kept over a reload, in characters. */
const MOST_KEPT = 1_000_000;

export function keepTurns(turns: readonly Turn[]): void {
  try {
    const text = JSON.stringify(turns);
    if (text.length <= MOST_KEPT) {
      sessionStorage.setItem(STORE, text);
    }
  } catch {
    // No storage here; the conversation lasts as long as the page.
  }
}
