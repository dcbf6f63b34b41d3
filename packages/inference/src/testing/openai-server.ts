import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { chosenLogprob } from "@depinfer/proof";
import { type Generation, parseBody } from "@depinfer/protocol";
import type { ScoringEngine } from "../engine.ts";
import { LEAST, type ServerKind, scoringEndpoints } from "./scoring-endpoints.ts";

/*
 * Our own engine behind OpenAI's protocol, with what other projects' servers add to it, as a stand-in for them. TEST
 * ONLY: it can also cheat, by answering with one engine and giving the log-probabilities of another.
 */

export interface TestServerOptions {
  /** Chooses the tokens. */
  readonly engine: ScoringEngine;
  /** Gives the log-probabilities beside them; the same by default. */
  readonly logprobsBy?: ScoringEngine;
  /** `openai` tells tokens as text only, `bare` tells nothing of them. */
  readonly kind: ServerKind | "openai" | "bare";
}

export interface TestServer {
  /** Base URL for `createUpstreamEngine`. */
  readonly url: string;
  close(): void;
}

export type Handle = (path: string, body: Buffer, response: ServerResponse) => Promise<void> | void;

/** An HTTP server on the loopback interface. */
export function listen(handle: Handle): Promise<TestServer> {
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    await handle(request.url ?? "", Buffer.concat(chunks), response);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve({
        url: `http://127.0.0.1:${portOf(server.address())}/v1`,
        close() {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === "object" && address !== null ? address.port : 0;
}

const OWNERS = { vllm: "vllm", llamacpp: "llamacpp", openai: "somebody", bare: "somebody" } as const;

export async function serveOpenAi({ engine, logprobsBy = engine, kind }: TestServerOptions): Promise<TestServer> {
  const scoring = kind === "vllm" || kind === "llamacpp" ? scoringEndpoints(engine, kind) : {};
  return listen(async (path, body, response) => {
    const extra = scoring[path];
    if (path === "/v1/models") {
      const data = [{ id: "served", object: "model", owned_by: OWNERS[kind] }];
      response.end(JSON.stringify({ object: "list", data }));
    } else if (path === "/v1/completions" && body.includes('"prompt_logprobs"') && extra !== undefined) {
      response.end(JSON.stringify(await extra(JSON.parse(body.toString()))));
    } else if (path === "/v1/chat/completions" || path === "/v1/completions") {
      await complete(path, body, response);
    } else if (extra !== undefined) {
      response.end(JSON.stringify(await extra(JSON.parse(body.toString()))));
    } else {
      response.writeHead(404).end(JSON.stringify({ error: { message: `no ${path} here` } }));
    }
  });

  async function complete(path: string, body: Buffer, response: ServerResponse): Promise<void> {
    const chat = path === "/v1/chat/completions";
    const {
      logprobs: wanted,
      top_logprobs: _top,
      return_token_ids: withIds,
      return_tokens_as_token_ids: _named,
      ...rest
    } = JSON.parse(body.toString());
    const { generation } = parseBody(chat ? "chat" : "completion", Buffer.from(JSON.stringify(rest)));
    const answer = await generate(generation);
    const told = wanted === undefined || wanted === false ? null : kind;
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (value: unknown) => response.write(`data: ${JSON.stringify(value)}\n\n`);
    for (const { token, text, logprob } of answer.pieces) {
      if (response.destroyed) {
        return;
      }
      const choice = chat ? { delta: { content: text } } : { text };
      send({
        choices: [{ index: 0, ...choice, finish_reason: null, ...beside(told, chat, withIds, token, text, logprob) }],
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    const end = chat ? { delta: {} } : { text: "" };
    send({ choices: [{ index: 0, ...end, finish_reason: answer.stopReason === "length" ? "length" : "stop" }] });
    const { promptTokens, outputTokens } = answer;
    send({ choices: [], usage: { prompt_tokens: promptTokens, completion_tokens: outputTokens } });
    response.end("data: [DONE]\n\n");
  }

  async function generate(generation: Generation) {
    const prompt = engine.prompt(generation);
    const pieces: { token: number; text: string; logprob: number }[] = [];
    const completion = await engine.generate(
      { generation, prompt, seed: new Uint8Array(32), maxTokens: generation.maxTokens ?? 100 },
      ([token = 0], text) => {
        pieces.push({ token, text, logprob: 0 });
        return undefined;
      },
    );
    const scored = await logprobsBy.score(prompt.tokens, completion.tokens);
    const valued = pieces.map((piece, index) => {
      const found = scored[index];
      return found === undefined ? piece : { ...piece, logprob: Math.max(LEAST, chosenLogprob(found)) };
    });
    // A piece beyond the tokens is text that was held back; it goes with the last one.
    const kept = valued.slice(0, completion.tokens.length);
    const late = valued.slice(completion.tokens.length).map(({ text }) => text);
    return {
      ...completion,
      pieces: kept.map((piece, index) =>
        index === kept.length - 1 ? { ...piece, text: piece.text + late.join("") } : piece,
      ),
    };
  }
}

/** What stands beside the text of one token. */
function beside(
  told: TestServerOptions["kind"] | null,
  chat: boolean,
  withIds: boolean,
  token: number,
  text: string,
  logprob: number,
): object {
  switch (told) {
    case null:
    case "bare":
      return {};
    case "openai":
      return { logprobs: { content: [{ token: text, logprob }] } };
    case "llamacpp":
      return { logprobs: { content: [{ id: token, token: text, logprob }] } };
    case "vllm":
      return {
        ...(withIds ? { token_ids: [token] } : {}),
        logprobs: chat
          ? { content: [{ token: `token_id:${token}`, logprob }] }
          : { tokens: [`token_id:${token}`], token_logprobs: [logprob] },
      };
  }
}
