import type { OutputItem, TextPart } from "./resource.ts";

/** Writes events of a response's stream, each with its number. */
export interface EventWriter {
  event(type: string, fields: object): string;
}

export function createEventWriter(): EventWriter {
  let number = 0;
  return {
    event(type, fields) {
      const event = `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number, ...fields })}\n\n`;
      number += 1;
      return event;
    },
  };
}

export function textPart(text: string, logprobs: readonly object[]): TextPart {
  return { type: "output_text", text, annotations: [], logprobs };
}

/** The item as it is when it is begun. */
export function begunItem(item: OutputItem): OutputItem {
  return item.type === "message"
    ? { ...item, status: "in_progress", content: [] }
    : { ...item, status: "in_progress", arguments: "" };
}
