import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createToolCallReader, type Piece, plainMessages, renderCall } from "./tool-calls.ts";

/** Pieces of the text when it is cut at these places; neighbours of one kind joined. */
function read(text: string, cuts: readonly number[] = []): Piece[] {
  const reader = createToolCallReader();
  const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
  const pieces = places.slice(1).flatMap((end, index) => reader.push(text.slice(places[index], end)));
  const joined: Piece[] = [];
  for (const piece of [...pieces, ...reader.flush()]) {
    const last = joined.at(-1);
    if (last !== undefined && last.kind === piece.kind && "text" in last && "text" in piece) {
      joined[joined.length - 1] = { ...last, text: last.text + piece.text };
    } else {
      joined.push(piece);
    }
  }
  return joined;
}

const fragments = fc.constantFrom(
  "<tool_call>",
  "</tool_call>",
  '{"name": "f", "arguments": {"a": "}<tool_call>\\""}}',
  '{"arguments": {}, "name": "g"}',
  '{"name": "h</tool_call>", "arguments": {',
  "<tool",
  "_call>",
  " \n",
  '"',
  "}",
  "é😀",
  "text",
);

describe("tool calls in text", () => {
  test("are told apart from text, with names and arguments as they come", () => {
    const text = `I look.\n${renderCall({ name: "f", arguments: '{"a": [1, "}"]}' })}\n${renderCall({ name: "g", arguments: "" })}`;
    expect(read(text)).toEqual([
      { kind: "text", text: "I look.\n" },
      { kind: "callStart", index: 0, name: "f" },
      { kind: "arguments", index: 0, text: '{"a": [1, "}"]}' },
      { kind: "callEnd", index: 0 },
      { kind: "callStart", index: 1, name: "g" },
      { kind: "arguments", index: 1, text: "{}" },
      { kind: "callEnd", index: 1 },
    ]);
  });

  test("stream: arguments are told before they are complete", () => {
    const reader = createToolCallReader();
    expect(reader.push('<tool_call>{"name": "f", "arguments": {"city": "Ber')).toEqual([
      { kind: "callStart", index: 0, name: "f" },
      { kind: "arguments", index: 0, text: '{"city": "Ber' },
    ]);
    expect(reader.flush()).toEqual([]);
  });

  test("that are cut off within their end leave nothing of it in the text", () => {
    const whole = '<tool_call>{"name": "f", "arguments": {}\n}\n</tool_call>';
    const told = whole.indexOf("{}") + 2;
    for (let end = told; end < whole.length; end++) {
      expect(read(whole.slice(0, end)), whole.slice(told, end)).toEqual([
        { kind: "callStart", index: 0, name: "f" },
        { kind: "arguments", index: 0, text: "{}" },
      ]);
    }
    expect(read('<tool_call>{"name": "f", "arguments": {}} more').at(-1)).toEqual({ kind: "text", text: "} more" });
  });

  test("that are none stay text", () => {
    for (const text of ["<tool_call>nonsense</tool_call>", "a <tool_cal", "<tool_call>{", "1 < 2", "<tool_call>"]) {
      expect(read(text)).toEqual([{ kind: "text", text }]);
    }
  });

  test("are the same however the text is cut", () => {
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 12 }), fc.array(fc.nat(400), { maxLength: 30 }), (parts, cuts) => {
        const text = parts.join("");
        const within = cuts.map((cut) => Math.min(cut, text.length));
        expect(read(text, within)).toEqual(read(text));
        expect(
          read(
            text,
            [...text].map((_, index) => index),
          ),
        ).toEqual(read(text));
      }),
      { numRuns: 3_000 },
    );
  });

  test("and their results become messages that every template knows", () => {
    const call = { id: "1", name: "f", arguments: "{}" };
    expect(
      plainMessages(
        [
          { role: "user", content: "hi" },
          { role: "assistant", content: "", toolCalls: [call, call] },
          { role: "tool", content: "one", toolCallId: "1" },
          { role: "tool", content: "two", toolCallId: "1" },
        ],
        null,
      ),
    ).toEqual([
      { role: "user", content: "hi" },
      { role: "assistant", content: `${renderCall(call)}\n${renderCall(call)}` },
      {
        role: "user",
        content: "<tool_response>\none\n</tool_response>\n<tool_response>\ntwo\n</tool_response>",
      },
    ]);
  });
});
