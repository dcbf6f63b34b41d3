import Anthropic from "@anthropic-ai/sdk";
import { FEATURES, type PositionLogprobs } from "@depinfer/protocol";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  batchSchema,
  chatAnswerSchema,
  chatChunkSchema,
  completionAnswerSchema,
  embeddingAnswerSchema,
  messageAnswerSchema,
  messageErrorSchema,
  responseAnswerSchema,
} from "./openapi/answer-schemas.ts";
import {
  answer,
  type Behaviour,
  fails,
  offer,
  type StandIn,
  says,
  startTestGateway,
  type TestGateway,
  zero,
} from "./test-gateway.ts";

let running: TestGateway;
let standIn: StandIn;
const able = { ...offer, features: [...FEATURES], slots: 4 };

beforeAll(async () => {
  running = await startTestGateway({ bodyLimit: 200_000 });
  ({ standIn } = running);
});
afterAll(() => running.stop());
beforeEach(() => {
  standIn.reset();
  standIn.offers = [able];
});

const openai = () =>
  new OpenAI({ baseURL: `http://127.0.0.1:${running.gateway.port}/v1`, apiKey: running.key, maxRetries: 0 });
const anthropic = () =>
  new Anthropic({ baseURL: `http://127.0.0.1:${running.gateway.port}`, apiKey: running.key, maxRetries: 0 });

const frames = (text: string) =>
  text
    .split("\n\n")
    .filter((frame) => frame.startsWith("data: {"))
    .map((frame): unknown => JSON.parse(frame.slice("data: ".length)));

const weather = {
  type: "function",
  function: {
    name: "weather",
    description: "The weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
} as const;
const calls = '<tool_call>{"name": "weather", "arguments": {"city": "Zürich"}}</tool_call>';
const two = `${calls}\n${calls.replace("Zürich", "Bern")}`;
const inPieces = (text: string, size: number) => text.match(new RegExp(`.{1,${size}}`, "gsu")) ?? [];
const messages = [{ role: "user" as const, content: "hi" }];

describe("chat completions", () => {
  test.each([1, 3, 1_000])("calls of tools keep their ids and indexes, cut into pieces of %i", async (size) => {
    standIn.behave = says(...inPieces(`I look. ${two}`, size));
    const whole = await openai().chat.completions.create({ model: "words", messages, tools: [weather] });
    expect(chatAnswerSchema.safeParse(JSON.parse(JSON.stringify(whole))).error).toBeUndefined();
    expect(whole.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { content: "I look. ", tool_calls: [{ type: "function" }, { function: { name: "weather" } }] },
    });
    const stream = openai().chat.completions.stream({ model: "words", messages, tools: [weather] });
    const streamed = await stream.finalChatCompletion();
    expect(streamed.choices[0]?.message.tool_calls).toMatchObject(whole.choices[0]?.message.tool_calls ?? []);
    const given = streamed.choices[0]?.message.tool_calls?.map((call) =>
      call.type === "function" ? JSON.parse(call.function.arguments) : null,
    );
    expect(given).toEqual([{ city: "Zürich" }, { city: "Bern" }]);
  });

  test("every chunk follows its schema, has one id, and tells the usage only where it is asked for", async () => {
    standIn.behave = says(...inPieces(`So: ${two}`, 4));
    for (const include_usage of [true, false]) {
      const raw = await running.chat({ stream: true, stream_options: { include_usage }, tools: [weather] });
      const chunks = frames(raw.text).map((chunk) => chatChunkSchema.parse(chunk));
      expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
      expect(chunks[0]?.choices[0]?.delta.role).toBe("assistant");
      expect(chunks.filter(({ usage }) => usage != null)).toHaveLength(include_usage ? 1 : 0);
      expect(chunks.filter(({ choices }) => choices.length === 0)).toHaveLength(include_usage ? 1 : 0);
      expect(raw.text.endsWith("data: [DONE]\n\n")).toBe(true);
    }
  });

  test("several choices are as many requests, and one that fails stops the others", async () => {
    standIn.behave = async (ask, handlers, signal) => {
      const choice = ask.choice ?? 0;
      return says(`choice ${choice}`)(ask, handlers, signal);
    };
    const { choices, usage } = await openai().chat.completions.create({ model: "words", messages, n: 3 });
    expect(choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, "choice 0"],
      [1, "choice 1"],
      [2, "choice 2"],
    ]);
    expect(usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 6 });
    const raw = await running.chat({ n: 3, stream: true });
    const ends = frames(raw.text).flatMap((chunk) => chatChunkSchema.parse(chunk).choices);
    expect(ends.filter(({ finish_reason }) => finish_reason === "stop").map(({ index }) => index)).toEqual([0, 1, 2]);
    let stopped = 0;
    standIn.behave = async (ask, handlers, signal) => {
      if (ask.choice === 1) {
        return fails("route.noProvider", { retryable: true })(ask, handlers, signal);
      }
      return new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => {
          stopped += 1;
          reject(new Error("stopped"));
        });
      });
    };
    expect(await running.chat({ n: 3 })).toMatchObject({ status: 503, error: { code: "route.noProvider" } });
    expect(stopped).toBe(2);
  });

  test("log-probabilities reach the client, whole and streamed, for chats and completions", async () => {
    const position = (text: string): PositionLogprobs => ({
      id: 1,
      text,
      logprob: -0.5,
      top: [{ id: 1, text, logprob: -0.5 }],
    });
    const behave: Behaviour = async (_ask, { onAccept, onText }) => {
      onAccept?.({
        requestId: zero,
        offer,
        accept: { providerNonce: zero, promptTokens: 3, cachedTokens: 0, promptHash: zero },
      });
      await onText("Hel", [1], [position("Hel")]);
      await onText("lo", [2], [position("lo")]);
      return answer;
    };
    standIn.behave = behave;
    const whole = await openai().chat.completions.create({ model: "words", messages, logprobs: true, top_logprobs: 1 });
    expect(whole.choices[0]?.logprobs?.content).toMatchObject([
      { token: "Hel", logprob: -0.5, bytes: [72, 101, 108], top_logprobs: [{ token: "Hel" }] },
      { token: "lo" },
    ]);
    const raw = await running.chat({ logprobs: true, top_logprobs: 1, stream: true });
    const told = frames(raw.text).flatMap((chunk) => chatChunkSchema.parse(chunk).choices[0]?.logprobs?.content ?? []);
    expect(told.map(({ token }) => token)).toEqual(["Hel", "lo"]);
    const completion = await running.call("/v1/completions", {
      method: "POST",
      body: JSON.stringify({ model: "words", prompt: "hi", logprobs: 1 }),
    });
    expect(completionAnswerSchema.parse(JSON.parse(completion.text)).choices[0]?.logprobs).toEqual({
      tokens: ["Hel", "lo"],
      token_logprobs: [-0.5, -0.5],
      top_logprobs: [{ Hel: -0.5 }, { lo: -0.5 }],
      text_offset: [0, 3],
    });
  });

  test("JSON that is nested too deep is refused by its depth, on every endpoint", async () => {
    const deep = `{"model":"words","messages":${"[".repeat(50_000)}${"]".repeat(50_000)}}`;
    for (const path of ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings", "/v1/batches"]) {
      const reply = await running.call(path, { method: "POST", body: deep });
      expect(reply.status, path).toBe(400);
      expect(reply.error.message, path).toMatch(/levels deep/);
    }
  });
});

describe("embeddings", () => {
  test("come as numbers or as base64, as asked for", async () => {
    const vector = Buffer.from(new Float32Array([1, -0.5]).buffer).toString("base64");
    standIn.behave = says(JSON.stringify({ vectors: [vector, vector] }));
    const body = (encoding_format: string) => JSON.stringify({ model: "words", input: ["a", "b"], encoding_format });
    const numbers = await running.call("/v1/embeddings", { method: "POST", body: body("float") });
    expect(embeddingAnswerSchema.parse(JSON.parse(numbers.text)).data[1]).toMatchObject({
      index: 1,
      embedding: [1, -0.5],
    });
    const text = await running.call("/v1/embeddings", { method: "POST", body: body("base64") });
    expect(embeddingAnswerSchema.parse(JSON.parse(text.text)).data[0]?.embedding).toBe(vector);
    const { data } = await openai().embeddings.create({ model: "words", input: "a" });
    expect(data[0]?.embedding).toEqual([1, -0.5]);
    standIn.behave = says("no vectors");
    expect(await running.call("/v1/embeddings", { method: "POST", body: body("float") })).toMatchObject({
      status: 502,
      error: { code: "embedding.badText" },
    });
  });
});

describe("models", () => {
  test("say what is proven of them, one by one too", async () => {
    const model = await openai().models.retrieve("words");
    expect(model).toMatchObject({ id: "words", object: "model", depinfer: { truth: [{ level: "seeded" }] } });
    expect(await running.call("/v1/models/none")).toMatchObject({ status: 404, error: { code: "model_not_found" } });
  });
});

describe("responses", () => {
  test("of text and calls are the same whole and streamed", async () => {
    standIn.behave = says(...inPieces(`Let me see. ${two}`, 5));
    const tools = [
      { type: "function" as const, name: "weather", parameters: weather.function.parameters, strict: null },
    ];
    const body = { model: "words", input: "hi", tools };
    const whole = await running.call("/v1/responses", { method: "POST", body: JSON.stringify(body) });
    const { output } = responseAnswerSchema.parse(JSON.parse(whole.text));
    expect(output.map(({ type }) => type)).toEqual(["message", "function_call", "function_call"]);
    const stream = openai().responses.stream({ ...body, tools: tools.map((tool) => ({ ...tool, strict: false })) });
    const types: string[] = [];
    let number = 0;
    for await (const event of stream) {
      expect(event.sequence_number).toBe(number);
      number += 1;
      types.push(event.type);
    }
    expect(types.filter((type) => !type.endsWith(".delta"))).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.function_call_arguments.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.function_call_arguments.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const streamed = await stream.finalResponse();
    expect(streamed.output).toMatchObject(output);
  });

  test("are gone on from, over a restart, by their key only", async () => {
    const client = openai();
    const first = await client.responses.create({ model: "words", input: "one", instructions: "be kind" });
    await running.restart();
    const second = await openai().responses.create({ model: "words", input: "two", previous_response_id: first.id });
    const asked = JSON.parse(Buffer.from(standIn.asked.at(-1)?.body ?? []).toString());
    expect(asked.messages).toEqual([
      { role: "user", content: "one" },
      { role: "assistant", content: [{ type: "text", text: "hello there" }] },
      { role: "user", content: "two" },
    ]);
    expect((await openai().responses.retrieve(second.id)).previous_response_id).toBe(first.id);
    const other = { authorization: `Bearer ${await running.keys.create("other", null)}` };
    expect(await running.call(`/v1/responses/${first.id}`, { headers: other })).toMatchObject({ status: 404 });
    await openai().responses.delete(first.id);
    expect(await running.call(`/v1/responses/${first.id}`)).toMatchObject({ status: 404 });
    const unkept = await openai().responses.create({ model: "words", input: "x", store: false });
    expect(unkept.output_text).toBe("hello there");
    const body = JSON.stringify({ model: "words", input: "two", previous_response_id: "resp_none" });
    expect(await running.call("/v1/responses", { method: "POST", body })).toMatchObject({
      status: 404,
      error: { param: "previous_response_id" },
    });
  });

  test("that break off after their first text are an error that the client raises", async () => {
    standIn.behave = fails("network.linkClosed", { after: "half", retryable: true });
    const reading = async () => {
      for await (const _ of await openai().responses.create({ model: "words", input: "hi", stream: true })) {
        // Read to its end.
      }
    };
    await expect(reading()).rejects.toThrow(/network.linkClosed/);
  });

  test.each([
    [{ background: true }, "background"],
    [{ tools: [{ type: "web_search" }] }, "tools.0.type"],
    [{ truncation: "auto" }, "truncation"],
    [{ nonsense: 1 }, "nonsense"],
    [{ reasoning: { effort: "high" } }, "reasoning.effort"],
  ])("refuse %j by its name", async (extra, param) => {
    const body = JSON.stringify({ model: "words", input: "hi", ...extra });
    expect(await running.call("/v1/responses", { method: "POST", body })).toMatchObject({
      status: 400,
      error: { param },
    });
    expect(standIn.asked).toEqual([]);
  });
});

describe("messages", () => {
  const tools = [{ name: "weather", input_schema: { type: "object" as const, properties: {} } }];
  const body = { model: "words", max_tokens: 50, messages: [{ role: "user" as const, content: "hi" }] };

  test("of text and calls are the same whole and streamed", async () => {
    standIn.behave = says(...inPieces(`Let me see. ${two}`, 5));
    const whole = await anthropic().messages.create({ ...body, tools });
    expect(messageAnswerSchema.safeParse(JSON.parse(JSON.stringify(whole))).error).toBeUndefined();
    expect(whole).toMatchObject({
      stop_reason: "tool_use",
      content: [{ type: "text" }, { input: { city: "Zürich" } }, { input: { city: "Bern" } }],
      usage: { input_tokens: 3, output_tokens: 2 },
    });
    const streamed = await anthropic()
      .messages.stream({ ...body, tools })
      .finalMessage();
    expect(streamed.content).toMatchObject(whole.content);
    expect(streamed.stop_reason).toBe("tool_use");
  });

  test("carry systems, results of tools and stop sequences to the market", async () => {
    await anthropic().messages.create({
      ...body,
      system: [{ type: "text", text: "be kind" }],
      stop_sequences: ["END"],
      tools,
      tool_choice: { type: "any" },
      messages: [
        { role: "user", content: "weather?" },
        { role: "assistant", content: [{ type: "tool_use", id: "call_1", name: "weather", input: { city: "Bern" } }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "call_1", content: "sunny" }] },
      ],
    });
    expect(JSON.parse(Buffer.from(standIn.asked.at(-1)?.body ?? []).toString())).toMatchObject({
      max_completion_tokens: 50,
      stop: ["END"],
      tool_choice: "required",
      messages: [
        { role: "system", content: "be kind" },
        { role: "user" },
        { role: "assistant", content: null, tool_calls: [{ id: "call_1", function: { name: "weather" } }] },
        { role: "tool", tool_call_id: "call_1", content: "sunny" },
      ],
    });
  });

  test("fail in Anthropic's shape, before and after the first text", async () => {
    standIn.behave = fails("route.noProvider", { retryable: true });
    await expect(anthropic().messages.create(body)).rejects.toMatchObject({ status: 503 });
    const refused = await running.call("/v1/messages", { method: "POST", body: JSON.stringify({ ...body, top_k: 3 }) });
    expect(messageErrorSchema.parse(JSON.parse(refused.text)).error).toMatchObject({
      type: "invalid_request_error",
      param: "top_k",
    });
    standIn.behave = fails("network.linkClosed", { after: "half", retryable: true });
    await expect(anthropic().messages.stream(body).finalMessage()).rejects.toThrow(/network.linkClosed/);
    const unknown = await running.call("/v1/messages", { method: "POST", headers: { authorization: "Bearer no" } });
    expect(messageErrorSchema.parse(JSON.parse(unknown.text)).error.type).toBe("authentication_error");
  });
});

describe("batches", () => {
  const line = (id: string, extra: object = {}) =>
    JSON.stringify({
      custom_id: id,
      method: "POST",
      url: "/v1/chat/completions",
      body: { model: "words", messages },
      ...extra,
    });
  const upload = (...lines: (string | Uint8Array)[]) =>
    openai().files.create({
      purpose: "batch",
      file: new File(
        lines.flatMap((one) => [Buffer.from(one), Buffer.from("\n")]),
        "lines.jsonl",
      ),
    });
  const begin = (input_file_id: string) =>
    openai().batches.create({ input_file_id, endpoint: "/v1/chat/completions", completion_window: "24h" });
  const ended = async (id: string) => {
    await expect
      .poll(async () => (await openai().batches.retrieve(id)).completed_at ?? null, { timeout: 20_000 })
      .not.toBeNull();
    return openai().batches.retrieve(id);
  };
  const linesOf = async (file: string | null | undefined) =>
    (await (await openai().files.content(file ?? "")).text())
      .trim()
      .split("\n")
      .map((one) => JSON.parse(one));

  test("isolate bad lines, and answer the others in order", async () => {
    const file = await upload(
      line("a"),
      "{nonsense",
      line("b"),
      line("a"),
      line("c", { url: "/v1/embeddings" }),
      line("d", { body: { model: "words", messages, sing: true } }),
      Buffer.from([0x7b, 0xff, 0xfe]),
      "",
    );
    const batch = await ended((await begin(file.id)).id);
    expect(batchSchema.safeParse(JSON.parse(JSON.stringify(batch))).error).toBeUndefined();
    expect(batch.request_counts).toEqual({ total: 7, completed: 2, failed: 5 });
    const good = await linesOf(batch.output_file_id);
    expect(good.map(({ custom_id, response }) => [custom_id, response.status_code])).toEqual([
      ["a", 200],
      ["b", 200],
    ]);
    const bad = await linesOf(batch.error_file_id);
    expect(bad.map(({ custom_id, error }) => [custom_id, error.code])).toEqual([
      [null, "request.malformed"],
      ["a", "request.invalid"],
      ["c", "request.invalid"],
      ["d", "request.invalid"],
      [null, "request.malformed"],
    ]);
    expect(standIn.asked).toHaveLength(2);
    expect((await openai().batches.list()).data[0]?.id).toBe(batch.id);
  });

  test("go on after a restart, and buy no line twice", async () => {
    let given = 0;
    standIn.behave = async (ask, handlers, signal) => {
      given += 1;
      if (given <= 3) {
        return says("done")(ask, handlers, signal);
      }
      return new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(new Error("stopped")));
      });
    };
    const file = await upload(...["a", "b", "c", "d", "e"].map((id) => line(id)));
    const { id } = await begin(file.id);
    await expect.poll(async () => (await openai().batches.retrieve(id)).request_counts?.completed).toBe(3);
    standIn.asked = [];
    standIn.behave = says("after");
    await running.restart();
    const batch = await ended(id);
    expect(batch.request_counts).toEqual({ total: 5, completed: 5, failed: 0 });
    expect(standIn.asked).toHaveLength(2);
    const texts = (await linesOf(batch.output_file_id)).map(({ response }) => response.body.choices[0].message.content);
    expect(texts).toEqual(["done", "done", "done", "after", "after"]);
  });

  test("are cancelled with what is done so far", async () => {
    standIn.behave = (_ask, _handlers, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(new Error("stopped")));
      });
    const { id } = await begin((await upload(line("a"), line("b"))).id);
    await openai().batches.cancel(id);
    await expect.poll(async () => (await openai().batches.retrieve(id)).status).toBe("cancelled");
    const lines = await linesOf((await openai().batches.retrieve(id)).error_file_id);
    expect(lines.map(({ error }) => error.code)).toEqual(["batch_cancelled", "batch_cancelled"]);
    expect(await running.call(`/v1/batches/${id}/cancel`, { method: "POST" })).toMatchObject({ status: 409 });
  });

  test("files of another key are nobody's, and forms that are none are refused", async () => {
    const { id } = await upload(line("a"));
    const headers = { authorization: `Bearer ${await running.keys.create("stranger", null)}` };
    expect(await running.call(`/v1/files/${id}/content`, { headers })).toMatchObject({ status: 404 });
    expect(await running.call("/v1/files", { method: "POST", body: "nothing" })).toMatchObject({
      status: 400,
      error: { code: "file.malformed" },
    });
  });
});

test("the document describes every path with a body and an answer", async () => {
  const { paths } = JSON.parse((await running.call("/openapi.json")).text);
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(["/v1/chat/completions", "/v1/batches/{id}/cancel", "/v1/receipts/{id}", "/v1/pass"]),
  );
  expect(paths["/v1/chat/completions"].post.requestBody.content["application/json"].schema.properties).toMatchObject({
    temperature: {},
    tools: {},
    logit_bias: {},
  });
});
