import { DepinferError, type ParsedBody, parseBody, utf8 } from "@depinfer/protocol";
import {
  anything,
  array,
  assert,
  asyncProperty,
  constantFrom,
  integer,
  json,
  oneof,
  property,
  record,
  string,
  uint8Array,
} from "fast-check";
import { describe, expect, test } from "vitest";
import { readLines } from "./batches/batch-lines.ts";
import { createAnswerReader, type Part } from "./chat/answer-reader.ts";
import { checkDepth } from "./json-depth.ts";
import { chatBodyOf as chatOfMessages } from "./messages/chat-body.ts";
import { messageRequestSchema } from "./messages/message-request.ts";
import { messageTranslator } from "./messages/message-routes.ts";
import { chatBodyOf as chatOfResponse } from "./responses/chat-body.ts";
import { responseRequestSchema } from "./responses/response-request.ts";
import { responseTranslator } from "./responses/response-routes.ts";

const zero = `0x${"00".repeat(32)}` as const;
const runs = { numRuns: Number(process.env.DEPINFER_FUZZ_RUNS ?? 500) };

const withTools: ParsedBody = parseBody(
  "chat",
  utf8(
    JSON.stringify({
      model: "m",
      messages: [{ role: "user", content: "x" }],
      tools: [{ type: "function", function: { name: "f" } }],
    }),
  ),
);

/** What a client puts together from the parts. */
function assembled(parts: readonly Part[]) {
  const calls: { id: string; name: string; arguments: string }[] = [];
  let text = "";
  for (const part of parts) {
    if (part.kind === "text") {
      text += part.text;
    } else if (part.kind === "callStart") {
      expect(part.index).toBe(calls.length);
      calls.push({ id: part.id, name: part.name, arguments: "" });
    } else if (part.kind === "arguments") {
      const call = calls[part.index];
      expect(call).toBeDefined();
      calls[part.index] = { id: "", name: "", ...call, arguments: (call?.arguments ?? "") + part.text };
    }
  }
  return { text, calls };
}

describe("the reader of answers", () => {
  const piece = oneof(
    string({ unit: "grapheme", maxLength: 12 }),
    constantFrom(
      "<tool_call>",
      "</tool_call>",
      '{"name": "f", "arguments": {"x": "ü🙂"}}',
      '<tool_call>{"name": "f", "arguments": {}}</tool_call>',
      "<tool",
      "\n",
      '{"name": 3}',
    ),
  );

  test("finds the same calls, with the same ids, however the text is cut", () => {
    assert(
      property(array(piece, { maxLength: 8 }), array(integer({ min: 1, max: 9 }), { minLength: 1 }), (pieces, cuts) => {
        const text = pieces.join("");
        const read = (parts: readonly string[]) => {
          const reader = createAnswerReader(withTools, () => zero);
          const all = [...parts.flatMap((part) => reader.push(part)), ...reader.flush()];
          const seen = assembled(all);
          expect(seen.text).toBe(reader.text);
          expect(seen.calls).toEqual(reader.calls);
          expect(new Set(seen.calls.map(({ id }) => id)).size).toBe(seen.calls.length);
          return seen;
        };
        const cut: string[] = [];
        for (let at = 0, turn = 0; at < text.length; turn++) {
          const end = at + (cuts[turn % cuts.length] ?? 1);
          cut.push(text.slice(at, end));
          at = end;
        }
        expect(read(cut)).toEqual(read([text]));
      }),
      runs,
    );
  });
});

describe("what comes from outside is refused by a typed error or understood", () => {
  const typed = async (work: () => unknown) => {
    try {
      await work();
    } catch (error) {
      expect(error).toBeInstanceOf(DepinferError);
    }
  };
  const content = oneof(
    string(),
    array(record({ type: constantFrom("text", "input_text", "image", "refusal"), text: string() })),
  );
  const item = record(
    {
      type: constantFrom("message", "function_call", "function_call_output"),
      role: constantFrom("user", "assistant", "system", "tool"),
      content,
      call_id: string(),
      name: string(),
      arguments: string(),
      output: content,
    },
    { requiredKeys: [] },
  );
  const responseBody = record(
    {
      model: string(),
      input: oneof(string(), array(item)),
      tools: array(anything()),
      tool_choice: anything(),
      text: anything(),
      include: anything(),
      temperature: anything(),
    },
    { requiredKeys: ["model", "input"] },
  );
  const messageBody = record(
    {
      model: string(),
      max_tokens: integer(),
      messages: array(record({ role: constantFrom("user", "assistant"), content })),
      system: content,
      tools: array(anything()),
      tool_choice: anything(),
    },
    { requiredKeys: ["model", "messages"] },
  );

  test("bodies of responses and of messages", async () => {
    const responses = responseTranslator("nobody", undefined);
    await Promise.all(
      [json(), responseBody, messageBody].map((body) =>
        assert(
          asyncProperty(oneof(body, anything()), async (value) => {
            const text =
              typeof value === "string"
                ? value
                : (JSON.stringify(value, (_, one) => (typeof one === "bigint" ? 0 : one)) ?? "");
            const bytes = utf8(text.toWellFormed());
            await typed(() => responses.translate(bytes));
            await typed(() => messageTranslator.translate(bytes));
            for (const [schema, turn] of [
              [responseRequestSchema, (one: unknown) => chatOfResponse(responseRequestSchema.parse(one), [])],
              [messageRequestSchema, (one: unknown) => chatOfMessages(messageRequestSchema.parse(one))],
            ] as const) {
              const parsed = schema.safeParse(tryParse(text));
              if (parsed.success) {
                await typed(() => parseBody("chat", utf8(JSON.stringify(turn(tryParse(text))))));
              }
            }
          }),
          runs,
        ),
      ),
    );
  });

  test("input files of batches, whose lines are as many as they were whatever they hold", () => {
    assert(
      property(uint8Array({ maxLength: 400 }), (bytes) => {
        for (const line of readLines(bytes, "/v1/chat/completions")) {
          expect("error" in line ? line.error : null).toBeInstanceOf(DepinferError);
        }
      }),
      runs,
    );
    const good = (id: string) =>
      JSON.stringify({ custom_id: id, method: "POST", url: "/v1/chat/completions", body: { model: "m" } });
    assert(
      property(array(uint8Array({ maxLength: 40 }), { maxLength: 5 }), (junk) => {
        const lines = junk.map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x0a)));
        const file = Buffer.concat([
          ...lines.flatMap((line) => [line, Buffer.from("\n")]),
          Buffer.from(`${good("a")}\n${good("a")}\n${good("b")}`),
        ]);
        const read = [...readLines(file, "/v1/chat/completions")];
        expect(read.filter((line) => !("error" in line)).map(({ customId, line }) => [customId, line])).toEqual([
          ["a", junk.length],
          ["b", junk.length + 2],
        ]);
      }),
      runs,
    );
  });

  test("depth is counted outside of strings only", () => {
    assert(
      property(json({ maxDepth: 5 }), (text) => {
        expect(() => checkDepth(utf8(text.toWellFormed()))).not.toThrow();
      }),
      runs,
    );
    expect(() => checkDepth(utf8(JSON.stringify("[".repeat(1_000))))).not.toThrow();
    expect(() => checkDepth(utf8(`${"[".repeat(201)}`))).toThrow(/levels deep/);
  });
});

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
