import type { ChatMessage, Constraint, ToolCall } from "./generation.ts";

/*
 * Tool calls as text. A model calls a tool by writing
 *
 *   <tool_call>{"name": "NAME", "arguments": {…}}</tool_call>
 *
 * several one after another where it may (the convention of Hermes and Qwen, which many models are trained on). Providers
 * deliver, meter and prove this text as any other; whoever talks to the app turns it into its calls.
 */

export const CALL_OPEN = "<tool_call>";
export const CALL_CLOSE = "</tool_call>";

/** What a model is told of the tools, as a system message. */
export function toolsInstruction({ tools, mode }: Extract<Constraint, { kind: "tools" }>): string {
  const list = tools.map(({ name, description, parameters }) =>
    JSON.stringify({ type: "function", function: { name, description, parameters } }),
  );
  return [
    "# Tools",
    "",
    mode === "required"
      ? "You must call one or more functions to answer the user."
      : "You may call one or more functions to assist with the user query.",
    "",
    "You are provided with function signatures within <tools></tools> XML tags:",
    "<tools>",
    ...list,
    "</tools>",
    "",
    "For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:",
    CALL_OPEN,
    '{"name": <function-name>, "arguments": <args-json-object>}',
    CALL_CLOSE,
  ].join("\n");
}

/** A call as the model would have written it. Arguments that are no JSON stay a string. */
export function renderCall({ name, arguments: text }: Pick<ToolCall, "name" | "arguments">): string {
  return `${CALL_OPEN}{"name": ${JSON.stringify(name)}, "arguments": ${text.trim() === "" ? "{}" : text}}${CALL_CLOSE}`;
}

/** A message of one of the three roles that every chat template knows. */
export interface PlainMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/**
 * Messages for a chat template: tools become a part of the first system message, calls text of the assistant, and results
 * text of the user, those of one turn together.
 */
export function plainMessages(messages: readonly ChatMessage[], constraint: Constraint | null): PlainMessage[] {
  const plain: PlainMessage[] = [];
  let results: string[] = [];
  const settle = () => {
    if (results.length > 0) {
      plain.push({ role: "user", content: results.join("\n") });
      results = [];
    }
  };
  for (const { role, content, toolCalls = [] } of messages) {
    if (role === "tool") {
      results.push(`<tool_response>\n${content}\n</tool_response>`);
      continue;
    }
    settle();
    const calls = toolCalls.map(renderCall);
    plain.push({ role, content: [...(content === "" ? [] : [content]), ...calls].join("\n") });
  }
  settle();
  if (constraint?.kind !== "tools") {
    return plain;
  }
  const instruction = toolsInstruction(constraint);
  const [first, ...rest] = plain;
  return first?.role === "system"
    ? [{ role: "system", content: `${first.content}\n\n${instruction}` }, ...rest]
    : [{ role: "system", content: instruction }, ...plain];
}

/** What became known with a piece of text. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "callStart"; readonly index: number; readonly name: string }
  /** Part of the arguments' JSON text. */
  | { readonly kind: "arguments"; readonly index: number; readonly text: string }
  | { readonly kind: "callEnd"; readonly index: number };

/** Finds calls in text that comes piece by piece, cut anywhere. Text that may become a call is held back. */
export interface ToolCallReader {
  push(text: string): readonly Piece[];
  /** What was held back, when the answer is over. */
  flush(): readonly Piece[];
}

const HEAD = /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\{)/;
/** The end of a call as far as it came before the answer was cut off; it belongs to the call, not to the text. */
const TAIL_BEGUN = /^\s*(?:\}\s*(?:<(?:\/(?:t(?:o(?:o(?:l(?:_(?:c(?:a(?:l(?:l>?)?)?)?)?)?)?)?)?)?)?)?)?$/;
/** Heads longer than this are no calls; it bounds what is held back. */
const MOST_HEAD = 10_000;

export function createToolCallReader(): ToolCallReader {
  let mode: "text" | "head" | "arguments" | "tail" | "between" = "text";
  let held = "";
  let index = 0;
  let depth = 0;
  let inString = false;
  let escaped = false;

  /** Takes what it can from `held`; false when more text is needed. */
  function step(out: Piece[]): boolean {
    switch (mode) {
      case "text":
        return readText(out);
      case "between":
        return readBetween();
      case "head":
        return readHead(out);
      case "arguments":
        return readArguments(out);
      case "tail":
        return readTail(out);
    }
  }

  function readText(out: Piece[]): boolean {
    const at = held.indexOf(CALL_OPEN);
    const end = at >= 0 ? at : held.length - possibleStart(held);
    addText(out, held.slice(0, end));
    held = held.slice(at >= 0 ? at + CALL_OPEN.length : end);
    if (at >= 0) {
      mode = "head";
    }
    return at >= 0;
  }

  /** White space between calls belongs to neither. */
  function readBetween(): boolean {
    const rest = held.trimStart();
    if (rest.startsWith(CALL_OPEN)) {
      held = rest.slice(CALL_OPEN.length);
      mode = "head";
      return true;
    }
    if (rest === "" || CALL_OPEN.startsWith(rest)) {
      return false;
    }
    mode = "text";
    return true;
  }

  function readHead(out: Piece[]): boolean {
    // What is decided must not depend on how much came at once, so only what had to be there is looked at.
    const seen = held.slice(0, MOST_HEAD);
    const close = seen.indexOf(CALL_CLOSE);
    const head = HEAD.exec(seen);
    const name = head?.[1] === undefined ? undefined : parsedString(head[1]);
    if (head !== null && name !== undefined && (close < 0 || head[0].length < close)) {
      held = held.slice(head[0].length);
      out.push({ kind: "callStart", index, name });
      depth = 0;
      inString = false;
      escaped = false;
      mode = "arguments";
      return true;
    }
    if (close >= 0) {
      const inside = held.slice(0, close);
      held = held.slice(close + CALL_CLOSE.length);
      const call = looseCall(inside);
      if (call === undefined) {
        addText(out, CALL_OPEN + inside + CALL_CLOSE);
        mode = "text";
      } else {
        out.push({ kind: "callStart", index, name: call.name });
        out.push({ kind: "arguments", index, text: call.arguments });
        endCall(out);
      }
      return true;
    }
    if (held.length < MOST_HEAD) {
      return false;
    }
    addText(out, CALL_OPEN);
    mode = "text";
    return true;
  }

  function readArguments(out: Piece[]): boolean {
    let at = 0;
    while (at < held.length) {
      const character = held[at];
      at += 1;
      if (inString) {
        inString = escaped || character !== '"';
        escaped = !escaped && character === "\\";
      } else if (character === '"') {
        inString = true;
      } else if (character === "{" || character === "[") {
        depth += 1;
      } else if (character === "}" || character === "]") {
        depth -= 1;
        if (depth === 0) {
          mode = "tail";
          break;
        }
      }
    }
    if (at > 0) {
      out.push({ kind: "arguments", index, text: held.slice(0, at) });
    }
    held = held.slice(at);
    return mode === "tail";
  }

  function readTail(out: Piece[]): boolean {
    const close = held.indexOf(CALL_CLOSE);
    if (close < 0) {
      // Nothing but the end of the call can stand here; a model that goes on has left the form.
      return false;
    }
    held = held.slice(close + CALL_CLOSE.length);
    endCall(out);
    return true;
  }

  function endCall(out: Piece[]): void {
    out.push({ kind: "callEnd", index });
    index += 1;
    mode = "between";
  }

  function drain(out: Piece[]): Piece[] {
    let more = true;
    while (more && held !== "") {
      more = step(out);
    }
    return out;
  }

  return {
    push(text) {
      held += text;
      return drain([]);
    },
    flush() {
      const out: Piece[] = [];
      if (mode === "head") {
        addText(out, CALL_OPEN + held);
      } else if (mode === "text" || (held.trim() !== "" && !(mode === "tail" && TAIL_BEGUN.test(held)))) {
        addText(out, held);
      }
      held = "";
      return out;
    },
  };
}

function addText(out: Piece[], text: string): void {
  if (text !== "") {
    out.push({ kind: "text", text });
  }
}

/** Length of the longest end of `text` that begins a call. */
function possibleStart(text: string): number {
  for (let length = Math.min(CALL_OPEN.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(CALL_OPEN.slice(0, length))) {
      return length;
    }
  }
  return 0;
}

function parsedString(text: string): string | undefined {
  const value = tryParse(text);
  return typeof value === "string" ? value : undefined;
}

/** A call whose members stand in another order, or are not what they should be. */
function looseCall(inside: string): Pick<ToolCall, "name" | "arguments"> | undefined {
  const value = tryParse(inside);
  if (typeof value !== "object" || value === null || !("name" in value) || typeof value.name !== "string") {
    return undefined;
  }
  const given = "arguments" in value ? value.arguments : "parameters" in value ? value.parameters : {};
  return { name: value.name, arguments: typeof given === "string" ? given : JSON.stringify(given ?? {}) };
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
