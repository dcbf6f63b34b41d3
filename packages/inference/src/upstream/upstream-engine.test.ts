import type { ServerResponse } from "node:http";
import { errorCode, PLAIN_SAMPLING } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeEngine } from "../engine.behaviour.ts";
import type { ScoringEngine } from "../engine.ts";
import { createLlamaEngine } from "../llama/llama-engine.ts";
import { listen, serveOpenAi, type TestServer } from "../testing/openai-server.ts";
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
