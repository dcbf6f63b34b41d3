import { createToolCallReader, type Hex, type ParsedBody, type ToolCall } from "@depinfer/protocol";
import { partId } from "./identity.ts";

type CallPiece = ReturnType<ReturnType<typeof createToolCallReader>["push"]>[number];

/** A part of an answer as its client is told it. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "callStart"; readonly index: number; readonly id: string; readonly name: string }
  | { readonly kind: "arguments"; readonly index: number; readonly text: string }
  | { readonly kind: "callEnd"; readonly index: number };

/** Tells the calls of tools in an answer from its text, and keeps both. */
export interface AnswerReader {
  push(text: string): readonly Part[];
  /** What was held back because it could have become a call. */
  flush(): readonly Part[];
  readonly text: string;
  readonly calls: readonly ToolCall[];
}

/** @param requestId gives the calls their ids: whoever is told the answer again finds the same ones. */
export function createAnswerReader(parsed: ParsedBody, requestId: () => Hex): AnswerReader {
  const tools = parsed.generation.constraint?.kind === "tools";
  return tools ? callReader(requestId) : plainReader();
}

function plainReader(): AnswerReader {
  let all = "";
  return {
    push(text) {
      all += text;
      return text === "" ? [] : [{ kind: "text", text }];
    },
    flush: () => [],
    get text() {
      return all;
    },
    calls: [],
  };
}

function callReader(requestId: () => Hex): AnswerReader {
  const reader = createToolCallReader();
  const calls: { id: string; name: string; arguments: string }[] = [];
  let all = "";

  function take(piece: CallPiece): Part {
    switch (piece.kind) {
      case "text":
        all += piece.text;
        return piece;
      case "callStart": {
        const id = partId("call_", requestId(), piece.index);
        calls[piece.index] = { id, name: piece.name, arguments: "" };
        return { ...piece, id };
      }
      case "arguments": {
        const call = calls[piece.index];
        if (call !== undefined) {
          call.arguments += piece.text;
        }
        return piece;
      }
      case "callEnd":
        return piece;
    }
  }

  return {
    push: (text) => reader.push(text).map(take),
    flush: () => reader.flush().map(take),
    get text() {
      return all;
    },
    calls,
  };
}
