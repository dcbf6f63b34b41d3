import { seedOfAnswer } from "@depinfer/proof";
import { createToolCallReader, encodeResumed, parseBody, type RequestTerms, resumedTokens } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Completion, ScoringEngine } from "../engine.ts";
import { evidenceOf, recoverKey } from "../testing/receipt-of.ts";
import { parseVectorsText } from "../vectors-text.ts";
import { verifyReceipt } from "../verify-receipt.ts";
import { createLlamaEngine } from "./llama-engine.ts";

const weights = new URL("../../../../models/depinfer-tiny/depinfer-tiny.q8_0.gguf", import.meta.url).pathname;
const word = (byte: number) => `0x${byte.toString(16).padStart(2, "0").repeat(32)}` as const;

let engine: ScoringEngine;
beforeAll(async () => {
  engine = await createLlamaEngine({ modelPath: weights, slots: 2 });
});
afterAll(() => engine.dispose());

test("a bias of a token that the model does not have is refused by name", () => {
  const biased = (token: number) =>
    parseBody("chat", Buffer.from(JSON.stringify(story({ logit_bias: { [token]: 1 } })))).generation;
  expect(() => engine.prompt(biased(99_999_999))).toThrow(
    expect.objectContaining({ code: "request.invalid", metadata: { param: "logit_bias" } }),
  );
  expect(engine.prompt(biased(5)).tokens.length).toBeGreaterThan(0);
});

const story = (extra: object = {}) => ({
  model: "m",
  messages: [{ role: "user", content: "Tell me a short story about a brave dragon." }],
  ...extra,
});
const jsonSchema = (schema: object) => ({
  response_format: { type: "json_schema", json_schema: { name: "answer", schema } },
});
const person = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 12 },
    age: { type: "integer" },
    tags: { type: "array", items: { enum: ["red", "blue"] }, minItems: 1, maxItems: 2 },
    note: { anyOf: [{ type: "null" }, { type: "boolean" }] },
  },
  required: ["name", "age", "tags"],
  additionalProperties: false,
};
const tool = (name: string, parameters: object) => ({ type: "function", function: { name, parameters } });
const TOOLS = [
  tool("weather", { type: "object", properties: { city: { type: "string", maxLength: 10 } }, required: ["city"] }),
  tool("add", { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } }, required: ["a", "b"] }),
];

/** Answers a body as a provider does; `as` is the body that a cheat answers in its place. */
async function answer(body: object, maxTokens: number, options: { terms?: Partial<RequestTerms>; as?: object } = {}) {
  const { generation } = parseBody("chat", Buffer.from(JSON.stringify(body)));
  const cheat = parseBody("chat", Buffer.from(JSON.stringify(options.as ?? body))).generation;
  const parts = {
    requestId: word(1),
    classId: engine.description.classId,
    buyerNonce: word(3),
    ...options.terms,
  };
  const resume = resumedTokens(parts);
  const prompt = engine.prompt(generation);
  const texts: string[] = [];
  const completion = await engine.generate(
    {
      generation: { ...cheat, prompt: generation.prompt },
      prompt,
      seed: seedOfAnswer(parts, word(4), generation.seed),
      maxTokens,
      resume,
    },
    (_tokens, text) => {
      texts.push(text);
      return undefined;
    },
  );
  expect(texts.join("")).toBe(completion.text);
  return { completion, prompt: [...prompt.tokens, ...resume] };
}

async function verdictOn(
  body: object,
  completion: Completion,
  prompt: readonly number[],
  terms: Partial<RequestTerms> = {},
) {
  return verifyReceipt(
    { engine, recoverAddress: recoverKey },
    evidenceOf({ description: engine.description, body, prompt, completion, terms }),
  );
}

const SHAPES: readonly (readonly [string, object])[] = [
  ["top_p", { temperature: 1, top_p: 0.5 }],
  ["penalties", { temperature: 0.8, presence_penalty: 1.5, frequency_penalty: 0.5 }],
  ["negative penalties at temperature 0", { temperature: 0, frequency_penalty: -1 }],
  ["a bias", { temperature: 1, logit_bias: { 300: 8, 301: -100 } }],
  ["an object", { temperature: 1, response_format: { type: "json_object" } }],
  ["a schema", { temperature: 0.9, ...jsonSchema(person) }],
  ["a schema at temperature 0", { temperature: 0, ...jsonSchema(person) }],
  ["tools", { temperature: 1, tools: TOOLS, tool_choice: "required" }],
  ["one tool", { temperature: 1, tools: TOOLS, tool_choice: { type: "function", function: { name: "add" } } }],
  ["tools or text", { temperature: 1, tools: TOOLS }],
  [
    "tools or a schema, all at once",
    { temperature: 1, top_p: 0.9, presence_penalty: 0.5, tools: TOOLS, ...jsonSchema(person) },
  ],
];

describe("a shaped answer", () => {
  test.each(SHAPES)("with %s is honest in every token", async (_what, extra) => {
    const body = story(extra);
    const { completion, prompt } = await answer(body, 120);
    const verdict = await verdictOn(body, completion, prompt, { maxOutputTokens: 120 });
    expect(verdict).toMatchObject({ verdict: "pass", statistic: { mismatches: 0, tokens: completion.tokens.length } });
  });

  test("follows its schema", async () => {
    let whole = 0;
    for (let seed = 0; seed < 6; seed++) {
      const { completion } = await answer(story({ seed, ...jsonSchema(person) }), 300);
      if (completion.stopReason === "end") {
        const value: unknown = JSON.parse(completion.text);
        expect(value).toMatchObject({ name: expect.any(String), age: expect.any(Number), tags: expect.any(Array) });
        whole += 1;
      }
    }
    expect(whole).toBeGreaterThan(2);
  });

  test("calls its tools in the agreed form", async () => {
    const { completion } = await answer(story({ seed: 3, tools: TOOLS, tool_choice: "required" }), 400);
    const reader = createToolCallReader();
    const pieces = [...reader.push(completion.text), ...reader.flush()];
    expect(pieces[0]).toMatchObject({ kind: "callStart", index: 0 });
    expect(pieces.every(({ kind }) => kind !== "text")).toBe(true);
  });

  test.each([
    ["ignores top_p", { temperature: 1.3, top_p: 0.2 }, { temperature: 1.3 }],
    ["ignores penalties", { temperature: 0.8, presence_penalty: 2, frequency_penalty: 2 }, { temperature: 0.8 }],
    ["ignores a bias", { temperature: 1, logit_bias: { 300: 100 } }, { temperature: 1 }],
    ["ignores the schema", { temperature: 1, ...jsonSchema(person) }, { temperature: 1 }],
    [
      "ignores which tool was chosen",
      { temperature: 1, tools: TOOLS, tool_choice: { type: "function", function: { name: "add" } } },
      { temperature: 1, tools: TOOLS, tool_choice: { type: "function", function: { name: "weather" } } },
    ],
    ["follows a schema where none was asked for", { temperature: 1 }, { temperature: 1, ...jsonSchema(person) }],
  ])("that %s does not pass", async (_what, extra, as) => {
    const body = story(extra);
    const { completion, prompt } = await answer(body, 100, { as: story(as) });
    const verdict = await verdictOn(body, completion, prompt, { maxOutputTokens: 100 });
    expect(verdict.verdict).toBe("fail");
  });

  test("in which another allowed token than the forced one stands does not pass", async () => {
    const body = story({ temperature: 0, ...jsonSchema({ type: "array", items: { enum: ["zq"] }, minItems: 2 }) });
    const { completion, prompt } = await answer(body, 60);
    expect((await verdictOn(body, completion, prompt, { maxOutputTokens: 60 })).verdict).toBe("pass");
    const { vocabulary } = engine;
    const bracket = completion.tokens[0] ?? 0;
    expect(vocabulary.text(bracket)).toMatch(/^\[/);
    const tokens = [vocabulary.byLength().findLast((token) => vocabulary.text(token) === "[") ?? 0];
    const space = vocabulary.byLength().find((token) => vocabulary.text(token).startsWith("\n")) ?? 0;
    tokens.push(space);
    const forged = { ...completion, tokens, outputTokens: 2, stopReason: "cancelled" as const };
    const text = engine.text(
      engine.prompt(parseBody("chat", Buffer.from(JSON.stringify(body))).generation).tokens,
      tokens,
      [],
    );
    const verdict = await verdictOn(body, { ...forged, text }, prompt, { maxOutputTokens: 60 });
    expect(verdict.statistic.mismatches > 0 || verdict.verdict === "fail").toBe(true);
  });
});

describe("an answer that is gone on with", () => {
  test.each([
    ["plain", {}],
    ["with multi-byte text", { logit_bias: { 198: 16, 172: 16, 243: 14, 162: 14, 155: 14, 131: 14 } }],
    ["with stop sequences", { stop: [" and the", "dragon was"] }],
    ["with penalties and top_p", { presence_penalty: 1, frequency_penalty: 1, top_p: 0.8 }],
    ["with a schema", jsonSchema(person)],
    ["with tools", { tools: TOOLS, tool_choice: "required" }],
  ])("%s is the unbroken one, and is proven by itself", async (_what, extra) => {
    const body = story({ temperature: 1, ...extra });
    const { completion: whole } = await answer(body, 60);
    expect("logit_bias" in extra && Buffer.byteLength(whole.text) === whole.text.length).toBe(false);
    for (const cut of [1, 7, 20, 41]) {
      if (cut >= whole.tokens.length) {
        continue;
      }
      const { completion: first } = await answer(body, cut);
      const before: string[] = [];
      // What a provider that dies had sent: everything final, nothing that was held back.
      await engine.generate(
        {
          generation: parseBody("chat", Buffer.from(JSON.stringify(body))).generation,
          prompt: engine.prompt(parseBody("chat", Buffer.from(JSON.stringify(body))).generation),
          seed: seedOfAnswer(
            { requestId: word(1), classId: engine.description.classId, buyerNonce: word(3) },
            word(4),
            null,
          ),
          maxTokens: cut,
        },
        (tokens, text) => {
          if (tokens.length > 0) {
            before.push(text);
          }
          return undefined;
        },
      );
      const resume = {
        requestId: word(1),
        buyerNonce: word(3),
        providerNonce: word(4),
        tokens: encodeResumed(first.tokens),
      };
      const terms = { requestId: word(8), buyerNonce: word(9), resume, maxOutputTokens: 60 - cut };
      const { completion: rest, prompt } = await answer(body, 60 - cut, { terms });
      expect([...first.tokens, ...rest.tokens]).toEqual([...whole.tokens]);
      expect(before.join("") + rest.text).toBe(whole.text);
      expect(rest.stopReason).toBe(whole.stopReason);
      expect(rest.promptTokens).toBe(prompt.length);
      const verdict = await verdictOn(body, rest, prompt, terms);
      expect(verdict).toMatchObject({ verdict: "pass", statistic: { mismatches: 0 } });
    }
  });

  test("is refused when it is over, and fails when it was drawn from another seed", async () => {
    const body = story({ temperature: 1 });
    const { completion: whole } = await answer(story({ temperature: 0 }), 400);
    expect(whole.stopReason).toBe("end");
    const resume = {
      requestId: word(1),
      buyerNonce: word(3),
      providerNonce: word(4),
      tokens: encodeResumed(whole.tokens),
    };
    await expect(answer(body, 10, { terms: { resume } })).rejects.toMatchObject({ code: "request.invalid" });
    const begun = { ...resume, tokens: encodeResumed(whole.tokens.slice(0, 5)) };
    const { completion, prompt } = await answer(body, 60, { terms: { resume: begun } });
    const other = { resume: { ...begun, buyerNonce: word(7) }, maxOutputTokens: 60 };
    expect((await verdictOn(body, completion, prompt, other)).verdict).not.toBe("pass");
  });
});

test("log-probabilities are told for every token, are those of the whole vocabulary and change nothing", async () => {
  const body = story({ temperature: 1, logprobs: true, top_logprobs: 20 });
  const { generation } = parseBody("chat", Buffer.from(JSON.stringify(body)));
  const prompt = engine.prompt(generation);
  const seed = new Uint8Array(32).fill(7);
  const plain = await engine.generate(
    { generation: { ...generation, logprobs: null }, prompt, seed, maxTokens: 30 },
    () => undefined,
  );
  let told = 0;
  const completion = await engine.generate({ generation, prompt, seed, maxTokens: 30 }, (tokens, _text, logprobs) => {
    for (const [index, token] of tokens.entries()) {
      const position = logprobs?.[index];
      expect(position?.id).toBe(token);
      expect(position?.top).toHaveLength(20);
      const mass = position?.top.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0) ?? 0;
      expect(mass).toBeGreaterThan(0.1);
      expect(mass).toBeLessThan(1.0001);
      told += 1;
    }
    return undefined;
  });
  expect(completion.tokens).toEqual(plain.tokens);
  expect(told).toBe(completion.tokens.length);
});

describe("vectors", () => {
  const body = { model: "m", input: ["a small fox", "a red kite in the sky", "a small fox"] };
  const terms = { endpoint: "embedding" } as const;

  async function embed(input = body) {
    const { generation } = parseBody("embedding", Buffer.from(JSON.stringify(input)));
    const prompt = engine.prompt(generation);
    const completion = await engine.generate(
      { generation, prompt, seed: new Uint8Array(32), maxTokens: 1 },
      () => undefined,
    );
    return { completion, prompt: prompt.tokens };
  }

  test("are of length 1, the same for the same text, and proven in every bit", async () => {
    const { completion, prompt } = await embed();
    const [first, second, third] = parseVectorsText(completion.text);
    expect(Math.hypot(...(first ?? []))).toBeCloseTo(1, 5);
    expect(third).toEqual(first);
    expect(second).not.toEqual(first);
    expect(completion).toMatchObject({ outputTokens: 0, promptTokens: prompt.length, stopReason: "end" });
    expect(await verdictOn(body, completion, prompt, terms)).toMatchObject({ verdict: "pass" });
  });

  test("of another input do not pass", async () => {
    const { prompt } = await embed();
    const { completion } = await embed({ ...body, input: ["a small fox", "a red kite in the sky", "a big fox"] });
    const verdict = await verdictOn(body, completion, prompt, terms);
    expect(verdict).toMatchObject({ verdict: "fail" });
    expect(verdict.reason).toContain("the vectors are not those");
  });
});
