import type { ServerResponse } from "node:http";
import { errorCode, PLAIN_SAMPLING, parseBody } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeEngine } from "../engine.behaviour.ts";
import type { ScoringEngine } from "../engine.ts";
import { createLlamaEngine } from "../llama/llama-engine.ts";
import { listen, serveOpenAi, type TestServer } from "../testing/openai-server.ts";
import { parseVectorsText } from "../vectors-text.ts";
import { createUpstreamEngine } from "./upstream-engine.ts";

const weights = new URL("../../../../models/depinfer-tiny/depinfer-tiny.q8_0.gguf", import.meta.url).pathname;
const KINDS = ["vllm", "llamacpp", "openai", "bare"] as const;

describe("an OpenAI-compatible server", () => {
  const servers: Record<string, TestServer> = {};
  let engine: ScoringEngine;
  const urlOf = (kind: string) => servers[kind]?.url ?? "";
  beforeAll(async () => {
    engine = await createLlamaEngine({ modelPath: weights, slots: 2 });
    for (const kind of KINDS) {
      servers[kind] = await serveOpenAi({ engine, kind });
    }
  });
  afterAll(async () => {
    for (const server of Object.values(servers)) {
      server.close();
    }
    await engine.dispose();
  });

  describeEngine("an upstream without token ids", () => createUpstreamEngine({ url: urlOf("bare"), slots: 4 }));
  describeEngine("an upstream with token ids", () => createUpstreamEngine({ url: urlOf("vllm"), slots: 4 }));

  test("is greedy when it tells which tokens it chose, else unverifiable, and says why", async () => {
    const levels = [];
    const notes = [];
    for (const kind of KINDS) {
      const { description, dispose } = await createUpstreamEngine({ url: urlOf(kind) });
      levels.push(description.proofLevel);
      notes.push(description.levelNote);
      await dispose();
    }
    expect(levels).toEqual(["greedy", "greedy", "none", "none"]);
    expect(notes).toEqual([
      undefined,
      undefined,
      "its answers cannot be checked: chat/completions gives no token ids",
      "its answers cannot be checked: chat/completions gives no token ids",
    ]);
  });

  test("has the features that its answers show, or those that its operator declares", async () => {
    const found = [];
    for (const kind of KINDS) {
      const { description, dispose } = await createUpstreamEngine({ url: urlOf(kind) });
      found.push(description.features);
      await dispose();
    }
    const shown = ["json", "tools", "topP"];
    const told = ["json", "tools", "logprobs", "topP"];
    expect(found).toEqual([told, told, shown, shown]);
    const declared = await createUpstreamEngine({ url: urlOf("bare"), features: ["penalties", "images", "logprobs"] });
    expect(declared.description.features).toEqual(["penalties", "images"]);
    await declared.dispose();
  });

  test("is asked for everything that decides the answer, and its calls become text", async () => {
    const bodies: Record<string, unknown>[] = [];
    const server = await listen((path, body, response) => {
      if (path === "/v1/models") {
        response.end(JSON.stringify({ data: [{ id: "m" }] }));
        return;
      }
      if (path === "/v1/embeddings") {
        const data = [
          { index: 1, embedding: [0, 1] },
          { index: 0, embedding: [1, 0] },
        ];
        response.end(JSON.stringify({ data, usage: { prompt_tokens: 4 } }));
        return;
      }
      bodies.push(JSON.parse(body.toString()));
      const calls = [
        [{ index: 0, id: "a", type: "function", function: { name: "f", arguments: "" } }],
        [{ index: 0, function: { arguments: '{"x":' } }],
        [{ index: 0, function: { arguments: "1}" } }],
        [{ index: 1, id: "b", type: "function", function: { name: "g", arguments: "" } }],
      ];
      for (const tool_calls of calls) {
        response.write(`data: ${JSON.stringify({ choices: [{ delta: { tool_calls } }] })}\n\n`);
      }
      response.end('data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n');
    });
    const upstream = await createUpstreamEngine({ url: server.url, features: ["tools", "images", "embedding"] });
    const tool = { type: "function", function: { name: "f", description: "", parameters: { type: "object" } } };
    const image = { type: "image_url", image_url: { url: "https://example.org/a.png", detail: "low" } };
    const asked = {
      temperature: 0.5,
      top_p: 0.5,
      presence_penalty: 1,
      frequency_penalty: -1,
      logit_bias: { 5: 3 },
      seed: 3,
      stop: ["x"],
      tools: [tool],
      tool_choice: "required",
      parallel_tool_calls: false,
      messages: [{ role: "user", content: [{ type: "text", text: "hi" }, image] }],
    };
    const { generation } = parseBody("chat", Buffer.from(JSON.stringify({ model: "m", ...asked })));
    const request = { generation, prompt: { tokens: [] }, seed: new Uint8Array(32), maxTokens: 5 };
    const { text, stopReason } = await upstream.generate(request, () => undefined);
    expect(bodies.at(-1)).toMatchObject(asked);
    expect(text).toBe(
      '<tool_call>{"name": "f", "arguments": {"x":1}}</tool_call><tool_call>{"name": "g", "arguments": {}}</tool_call>',
    );
    expect(stopReason).toBe("end");
    const vectors = parseBody("embedding", Buffer.from(JSON.stringify({ model: "m", input: ["a", "b"] })));
    const answered = await upstream.generate({ ...request, generation: vectors.generation }, () => undefined);
    expect(parseVectorsText(answered.text)).toEqual([Float32Array.of(1, 0), Float32Array.of(0, 1)]);
    expect(answered).toMatchObject({ promptTokens: 4, outputTokens: 0 });
    await upstream.dispose();
    server.close();
  });

  test("that refuses log-probabilities is unverifiable, and its other requests ask for none", async () => {
    const bodies: string[] = [];
    const server = await listen((path, body, response) => {
      bodies.push(body.toString());
      if (path === "/v1/models") {
        response.end(JSON.stringify({ data: [{ id: "m" }] }));
      } else if (body.includes("logprobs")) {
        response.writeHead(400).end('{"error":{"message":"no such parameter"}}');
      } else {
        response.end('data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
      }
    });
    const upstream = await createUpstreamEngine({ url: server.url });
    expect(upstream.description).toMatchObject({ proofLevel: "none" });
    expect(upstream.description.levelNote).toContain("refuses to give log-probabilities");
    const generation = {
      ...PLAIN_SAMPLING,
      prompt: { messages: [] },
      temperature: 0,
      seed: null,
      stop: [],
      maxTokens: 5,
    };
    const request = { generation, prompt: { tokens: [] }, seed: new Uint8Array(32), maxTokens: 5 };
    expect((await upstream.generate(request, () => undefined)).text).toBe("hi");
    expect(bodies.at(-1)).not.toMatch(/logprobs|token_ids/);
    await upstream.dispose();
    server.close();
  });

  test("whose ids stop coming fails instead of answering below its level", async () => {
    let asked = 0;
    const server = await listen((path, _body, response) => {
      if (path === "/v1/models") {
        response.end(JSON.stringify({ data: [{ id: "m" }] }));
        return;
      }
      asked += 1;
      const evidence = asked <= 2 ? { token_ids: [5], logprobs: { content: [{ token: "a", logprob: -1 }] } } : {};
      const choice = { index: 0, delta: { content: "a" }, text: "a", finish_reason: "stop", ...evidence };
      const usage = { prompt_tokens: 1, completion_tokens: 1 };
      response.end(`data: ${JSON.stringify({ choices: [choice], usage })}\n\ndata: [DONE]\n\n`);
    });
    const upstream = await createUpstreamEngine({ url: server.url });
    expect(upstream.description.proofLevel).toBe("greedy");
    const generation = {
      ...PLAIN_SAMPLING,
      prompt: { text: "hi" },
      temperature: 0,
      seed: null,
      stop: [],
      maxTokens: 5,
    };
    const request = { generation, prompt: { tokens: [] }, seed: new Uint8Array(32), maxTokens: 5 };
    await expect(upstream.generate(request, () => undefined)).rejects.toMatchObject({ code: "upstream.tokensMissing" });
    await upstream.dispose();
    server.close();
  });
});

describe("an upstream that fails", () => {
  const chunk = (content: string, finish: string | null = null) =>
    `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: finish }] })}\n\n`;

  function endless(response: ServerResponse): void {
    const piece = "data: ".padEnd(65_536, "a");
    const more = () => {
      while (!response.destroyed && response.write(piece)) {}
    };
    response.on("drain", more);
    more();
  }

  async function failure(handle: (response: ServerResponse) => void): Promise<string> {
    const server = await listen((path, body, response) => {
      if (path === "/v1/models") {
        response.end(JSON.stringify({ data: [{ id: "m" }] }));
      } else if (body.includes("logprobs")) {
        response.end(`${chunk("x", "stop")}data: [DONE]\n\n`);
      } else {
        handle(response);
      }
    });
    try {
      const engine = await createUpstreamEngine({ url: server.url, timeoutMs: 300 });
      const generation = {
        ...PLAIN_SAMPLING,
        prompt: { text: "hi" },
        temperature: 0,
        seed: null,
        stop: [],
        maxTokens: 5,
      };
      await engine.generate(
        { generation, prompt: { tokens: [] }, seed: new Uint8Array(32), maxTokens: 5 },
        () => undefined,
      );
      return "no error";
    } catch (error) {
      return errorCode(error);
    } finally {
      server.close();
    }
  }

  test.each<[string, string, (response: ServerResponse) => void]>([
    [
      "an error status",
      "upstream.refused",
      (response) => response.writeHead(500).end('{"error":{"message":"out of memory"}}'),
    ],
    ["a stream cut before its end", "upstream.truncated", (response) => response.end(chunk("half an"))],
    [
      "a stream that says it is done and never finished",
      "upstream.truncated",
      (response) => response.end(`${chunk("half an")}data: [DONE]\n\n`),
    ],
    [
      "an answer that was given up",
      "upstream.failed",
      (response) => response.end(`${chunk("half an", "abort")}data: [DONE]\n\n`),
    ],
    [
      "a connection cut in mid-stream",
      "upstream.unreachable",
      (response) => response.write(chunk("half"), () => response.destroy()),
    ],
    [
      "an error inside the stream",
      "upstream.failed",
      (response) => response.end(`${chunk("a")}data: {"error":{"message":"boom"}}\n\n`),
    ],
    ["garbage", "upstream.malformed", (response) => response.end("data: {oops\n\n")],
    ["a line without an end", "upstream.malformed", (response) => endless(response)],
    ["an error without an end", "upstream.malformed", (response) => endless(response.writeHead(500))],
    ["silence", "upstream.timeout", (response) => response.write(": waiting\n\n")],
  ])("%s is %s", async (_what, code, handle) => {
    expect(await failure(handle)).toBe(code);
  });

  test("nobody there, a bad URL and a wrong model name are told apart", async () => {
    const codes = [];
    for (const options of [{ url: "http://127.0.0.1:9/v1" }, { url: "not a url" }]) {
      codes.push(await createUpstreamEngine(options).catch(errorCode));
    }
    const server = await listen((_path, _body, response) => {
      response.end(JSON.stringify({ data: [{ id: "m" }] }));
    });
    codes.push(await createUpstreamEngine({ url: server.url, model: "other" }).catch(errorCode));
    server.close();
    expect(codes).toEqual(["upstream.unreachable", "upstream.badUrl", "upstream.unknownModel"]);
  });
});
