/** Reads back a line of the corpus. */
import type { Conversation, Turn } from "./conversation.ts";

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const isTurn = (value: unknown): value is Turn =>
  isRecord(value) && typeof value.user === "string" && typeof value.assistant === "string";

function isConversation(value: unknown): value is Conversation {
  return (
    isRecord(value) &&
    typeof value.task === "string" &&
    typeof value.closed === "boolean" &&
    Array.isArray(value.turns) &&
    value.turns.every(isTurn)
  );
}

export function parseConversation(line: string): Conversation {
  const value: unknown = JSON.parse(line);
  if (!isConversation(value)) throw new Error(`Not a conversation: ${line.slice(0, 120)}`);
  return value;
}
