import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DepinferError, errorCode } from "./errors.ts";
import { PLAIN_SAMPLING } from "./generation.ts";
import { utf8 } from "./hashing.ts";
import { parseBody } from "./openai.ts";
import type { Endpoint } from "./request.ts";

const chat = (extra: object) =>
  utf8(JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }], ...extra }));
const parse = (extra: object) => parseBody("chat", chat(extra));

function paramOf(endpoint: Endpoint, body: Uint8Array): unknown {
  try {
    parseBody(endpoint, body);
    return "accepted";
  } catch (error) {
    expect(errorCode(error)).toBe("request.invalid");
    return error instanceof DepinferError ? error.metadata.param : undefined;
  }
}

const weather = {
  type: "function",
  function: {
    name: "weather",
    description: "says the weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

describe("what decides an answer", () => {
  test("is read from a body", () => {
    const parsed = parse({
      temperature: 0.7,
      seed: 5,
      stop: "END",
      max_completion_tokens: 9,
      max_tokens: 7,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(parsed).toEqual({
      model: "m",
      stream: true,
      includeUsage: true,
      minProofLevel: null,
      n: 1,
      features: [],
      policy: null,
      user: null,
      metadata: {},
      encoding: "float",
      generation: {
        ...PLAIN_SAMPLING,
        prompt: { messages: [{ role: "user", content: "hi" }] },
        temperature: 0.7,
        seed: 5,
        stop: ["END"],
        maxTokens: 9,
      },
    });
  });

  test("is shaped, and says which features it takes", () => {
    const { generation, features, n } = parse({
      top_p: 0.5,
      presence_penalty: 1,
      frequency_penalty: -1,
      logit_bias: { 7: 5, 3: -100 },
      logprobs: true,
      top_logprobs: 4,
      n: 3,
      response_format: { type: "json_object" },
    });
    expect(generation).toMatchObject({
      topP: 0.5,
      presencePenalty: 1,
      frequencyPenalty: -1,
      logitBias: [
        [3, -100],
        [7, 5],
      ],
      logprobs: 4,
      constraint: { kind: "json" },
    });
    expect(n).toBe(3);
    expect(features).toEqual(["json", "logprobs", "penalties", "logitBias", "topP"]);
  });

  test("is every form of tools and formats", () => {
    const constraint = (extra: object) => parse(extra).generation.constraint;
    expect(constraint({ tools: [weather] })).toMatchObject({
      kind: "tools",
      mode: "auto",
      parallel: true,
      otherwise: null,
    });
    expect(constraint({ tools: [weather], tool_choice: "none" })).toBeNull();
    expect(constraint({ tools: [weather], tool_choice: "required", parallel_tool_calls: false })).toMatchObject({
      mode: "required",
      parallel: false,
    });
    const other = { ...weather, function: { ...weather.function, name: "other" } };
    expect(
      constraint({ tools: [weather, other], tool_choice: { type: "function", function: { name: "other" } } }),
    ).toMatchObject({ mode: "required", parallel: false, tools: [{ name: "other" }] });
    const schema = { type: "object", properties: { a: { type: "integer" } } };
    const format = { type: "json_schema", json_schema: { name: "x", schema } };
    expect(constraint({ response_format: format })).toEqual({ kind: "schema", schema });
    expect(constraint({ response_format: format, tools: [weather] })).toMatchObject({ otherwise: { kind: "schema" } });
    expect(constraint({ response_format: { type: "text" } })).toBeNull();
  });

  test("is a conversation with calls, results and pictures", () => {
    const { generation, features } = parse({
      messages: [
        {
          role: "developer",
          content: [
            { type: "text", text: "be " },
            { type: "text", text: "brief" },
          ],
        },
        {
          role: "user",
          content: [
            { type: "text", text: "what is this?" },
            { type: "image_url", image_url: { url: "https://example.org/a.png" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "call_1", type: "function", function: { name: "weather", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "call_1", content: "sunny" },
      ],
    });
    expect(generation.prompt).toEqual({
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: "what is this?", images: [{ url: "https://example.org/a.png", detail: "auto" }] },
        { role: "assistant", content: "", toolCalls: [{ id: "call_1", name: "weather", arguments: "{}" }] },
        { role: "tool", content: "sunny", toolCallId: "call_1" },
      ],
    });
    expect(features).toEqual(["tools", "images"]);
  });

  test("is a policy in the body, whose level counts with that of the proof", () => {
    const { policy, minProofLevel } = parse({
      proof: { min: "greedy" },
      depinfer: { minProof: "seeded", regions: ["eu"] },
    });
    expect(policy).toMatchObject({ regions: ["eu"] });
    expect(minProofLevel).toBe("seeded");
  });

  test("is inputs of vectors", () => {
    const inputs = (input: unknown) =>
      parseBody("embedding", utf8(JSON.stringify({ model: "m", input }))).generation.prompt;
    expect(inputs("a")).toEqual({ inputs: ["a"], dimensions: null });
    expect(inputs(["a", "b"])).toEqual({ inputs: ["a", "b"], dimensions: null });
    expect(inputs([1, 2])).toEqual({ inputs: [[1, 2]], dimensions: null });
    expect(inputs([[1], [2]])).toEqual({ inputs: [[1], [2]], dimensions: null });
  });
});

const nested = (depth: number): object => (depth === 0 ? {} : { anyOf: [nested(depth - 1)] });
const format = (schema: unknown) => ({
  response_format: { type: "json_schema", json_schema: { name: "x", schema } },
});

describe("a body that cannot be honoured is refused by name", () => {
  test.each([
    ["an unknown parameter", { functions: [] }, "functions"],
    ["top_p of nothing", { top_p: 0 }, "top_p"],
    ["too many choices", { n: 9 }, "n"],
    ["no choice", { n: 0 }, "n"],
    ["a temperature out of range", { temperature: 3 }, "temperature"],
    ["a temperature of the wrong type", { temperature: "hot" }, "temperature"],
    ["no messages", { messages: [] }, "messages"],
    ["a message without content", { messages: [{ role: "user" }] }, "messages.0.content"],
    ["a limit of zero", { max_tokens: 0 }, "max_tokens"],
    ["alternatives without log-probabilities", { top_logprobs: 2 }, "top_logprobs"],
    ["a penalty out of range", { presence_penalty: 2.5 }, "presence_penalty"],
    ["storage", { store: true }, "store"],
    ["a tier", { service_tier: "flex" }, "service_tier"],
    ["sound", { modalities: ["audio"] }, "modalities.0"],
    ["a choice among no tools", { tool_choice: "auto" }, "tool_choice"],
    [
      "a choice of an unknown tool",
      { tools: [weather], tool_choice: { type: "function", function: { name: "x" } } },
      "tool_choice",
    ],
    ["two tools of one name", { tools: [weather, weather] }, "tools"],
    ["a policy nobody knows", { depinfer: { cheap: true } }, "depinfer.cheap"],
    [
      "a keyword that cannot be enforced",
      format({ type: "string", pattern: "a" }),
      "response_format.json_schema.schema.pattern",
    ],
    ["a reference to nothing", format({ $ref: "#/$defs/a" }), "response_format.json_schema.schema.$ref"],
    ["a reference to itself", format({ anyOf: [{ $ref: "#" }] }), "response_format.json_schema.schema.anyOf.0.$ref"],
    ["a key of objects' prototypes", format({ constructor: 1 }), "response_format.json_schema.schema.constructor"],
    [
      "limits that exclude each other",
      format({ type: "string", minLength: 3, maxLength: 2 }),
      "response_format.json_schema.schema.minLength",
    ],
    ["bounds of what may be no integer", format({ minimum: 1 }), "response_format.json_schema.schema.minimum"],
    [
      "bounds of any number",
      format({ type: ["number", "integer"], exclusiveMinimum: 0 }),
      "response_format.json_schema.schema.exclusiveMinimum",
    ],
    [
      "bounds without a number between",
      format({ type: "integer", exclusiveMinimum: 2, maximum: 2 }),
      "response_format.json_schema.schema.maximum",
    ],
    ["a deep schema", format(nested(40)), "response_format.json_schema.schema"],
  ])("%s", (_what, extra, param) => {
    expect(paramOf("chat", chat(extra))).toBe(param);
  });

  test("and so is a strict tool, while another is only told to the model", () => {
    const bounded = { type: "object", properties: { a: { type: "number", minimum: 3 } } };
    const tool = (strict: boolean) => ({
      tools: [{ type: "function", function: { name: "f", parameters: bounded, strict } }],
    });
    expect(paramOf("chat", chat(tool(true)))).toBe("tools.0.function.parameters.properties.a.minimum");
    expect(parse(tool(false)).generation.constraint).toMatchObject({ tools: [{ loose: true, parameters: bounded }] });
  });

  test.each([
    ["no input", { input: [] }, "input"],
    ["a mixture", { input: ["a", 1] }, "input"],
    ["a form of vectors", { input: "a", encoding_format: "int8" }, "encoding_format"],
  ])("vectors of %s", (_what, extra, param) => {
    expect(paramOf("embedding", utf8(JSON.stringify({ model: "m", ...extra })))).toBe(param);
  });

  test("whatever it holds: no parameter is dropped, and nothing but a typed error is thrown", () => {
    const names = [
      "model",
      "messages",
      "prompt",
      "input",
      "tools",
      "tool_choice",
      "response_format",
      "logit_bias",
      "stop",
      "n",
      "seed",
    ];
    fc.assert(
      fc.property(
        fc.constantFrom<Endpoint>("chat", "completion", "embedding"),
        fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), fc.jsonValue({ maxDepth: 5 })),
        (endpoint, extra) => {
          try {
            const body = {
              model: "m",
              ...(endpoint === "chat" ? { messages: [{ role: "user", content: "x" }] } : {}),
              ...extra,
            };
            parseBody(endpoint, utf8(JSON.stringify(body)));
            expect(Object.keys(extra).every((key) => names.includes(key))).toBe(true);
          } catch (error) {
            expect(errorCode(error)).toMatch(/^request\./);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
