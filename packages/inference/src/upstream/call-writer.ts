import { CALL_CLOSE, CALL_OPEN } from "@depinfer/protocol";
import type { ToolCallDelta } from "./upstream-api.ts";

/** Writes calls that a server tells apart from text as the text that they are everywhere else. */
export interface CallWriter {
  /** Text for a piece of calls. */
  push(deltas: readonly ToolCallDelta[]): string;
  /** What closes the last call; before other text and at the end. */
  close(): string;
}

export function createCallWriter(): CallWriter {
  let open: { readonly index: number; empty: boolean } | null = null;

  function close(): string {
    const text = open === null ? "" : `${open.empty ? "{}" : ""}}${CALL_CLOSE}`;
    open = null;
    return text;
  }

  return {
    close,
    push(deltas) {
      let text = "";
      for (const { index = 0, function: part } of deltas) {
        if (open === null || open.index !== index) {
          text += `${close()}${CALL_OPEN}{"name": ${JSON.stringify(part?.name ?? "")}, "arguments": `;
          open = { index, empty: true };
        }
        const more = part?.arguments ?? "";
        if (more !== "") {
          open.empty = false;
          text += more;
        }
      }
      return text;
    },
  };
}
