import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { errorCode, parseBody } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeEngine } from "../engine.behaviour.ts";
import type { ScoringEngine } from "../engine.ts";
import { createLlamaEngine } from "../llama/llama-engine.ts";
import { createUpstreamEngine } from "./upstream-engine.ts";

const weights = new URL("../../../../models/depinfer-tiny/depinfer-tiny.q8_0.gguf", import.meta.url).pathname;

/** Our own engine behind OpenAI's protocol, as another project's server would be. */
async function serveEngine(engine: ScoringEngine, withLogprobs: boolean): Promise<Server> {
  return listen(async (path, body, response) => {
    if (path === "/v1/models") {
      response.end(JSON.stringify({ object: "list", data: [{ id: "served", object: "model" }] }));
      return;
    }
    const { logprobs, top_logprobs: _, ...rest } = JSON.parse(body.toString());
    const { generation } = parseBody("chat", Buffer.from(JSON.stringify(rest)));
    const abort = new AbortController();
    response.on("close", () => abort.abort());
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (value: unknown) => response.write(`data: ${JSON.stringify(value)}\n\n`);
    const prompt = engine.prompt(generation);
    const maxTokens = generation.maxTokens ?? 100;
    const completion = await engine.generate(
      { generation, prompt, seed: new Uint8Array(32), maxTokens, signal: abort.signal },
      (_tokens, text) => {
        const probabilities =
          withLogprobs && logprobs === true ? { logprobs: { content: [{ token: text, logprob: -0.1 }] } } : {};
        send({ choices: [{ index: 0, delta: { content: text }, finish_reason: null, ...probabilities }] });
        return new Promise((resolve) => setImmediate(resolve));
      },
    );
    send({ choices: [{ index: 0, delta: {}, finish_reason: completion.stopReason === "length" ? "length" : "stop" }] });
    send({
      choices: [],
      usage: { prompt_tokens: completion.promptTokens, completion_tokens: completion.outputTokens },
    });
    response.end("data: [DONE]\n\n");
  });
}

function listen(
  handle: (path: string, body: Buffer, response: ServerResponse) => Promise<void> | void,
): Promise<Server> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    await handle(request.url ?? "", Buffer.concat(chunks), response);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;

describe("an OpenAI-compatible server", () => {
  const servers: Server[] = [];
  let engine: ScoringEngine;
  beforeAll(async () => {
    engine = await createLlamaEngine({ modelPath: weights, slots: 2 });
    servers.push(await serveEngine(engine, false), await serveEngine(engine, true));
  });
  afterAll(async () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    await engine.dispose();
  });

  describeEngine("an upstream", async () =>
    createUpstreamEngine({ url: urlOf(servers[0] ?? servers[1] ?? createServer()), slots: 4 }),
  );

  test("without log-probabilities it is unverifiable, with them it is greedy, and it says so", async () => {
    const levels = [];
    for (const server of servers) {
      const upstream = await createUpstreamEngine({ url: urlOf(server) });
      levels.push(upstream.description.proofLevel);
      await upstream.dispose();
    }
    expect(levels).toEqual(["none", "greedy"]);
  });
});

describe("an upstream that fails", () => {
  const chunk = (content: string, finish: string | null = null) =>
    `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: finish }] })}\n\n`;

  async function failure(handle: (response: ServerResponse) => void): Promise<string> {
    let chats = 0;
    const server = await listen((path, _body, response) => {
      if (path === "/v1/models") {
        response.end(JSON.stringify({ data: [{ id: "m" }] }));
        return;
      }
      chats += 1;
      if (chats === 1) {
        response.end(`${chunk("x", "stop")}data: [DONE]\n\n`);
      } else {
        handle(response);
      }
    });
    try {
      const engine = await createUpstreamEngine({ url: urlOf(server), timeoutMs: 300 });
      const generation = { prompt: { text: "hi" }, temperature: 0, seed: null, stop: [], maxTokens: 5 };
      await engine.generate(
        { generation, prompt: { tokens: [] }, seed: new Uint8Array(32), maxTokens: 5 },
        () => undefined,
      );
      return "no error";
    } catch (error) {
      return errorCode(error);
    } finally {
      server.close();
      server.closeAllConnections();
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
    codes.push(await createUpstreamEngine({ url: urlOf(server), model: "other" }).catch(errorCode));
    server.close();
    expect(codes).toEqual(["upstream.unreachable", "upstream.badUrl", "upstream.unknownModel"]);
  });
});
