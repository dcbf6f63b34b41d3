import { existsSync, readFileSync } from "node:fs";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { Pool } from "undici";
import { z } from "zod";
import { homePaths } from "./home.ts";

/** Where a gateway is and how to be let in. */
export interface Access {
  readonly url: string;
  readonly apiKey: string;
  readonly indexerUrl?: string;
  readonly rpcUrl?: string;
}

/** Calls a gateway on behalf of the command line. */
export interface GatewayClient {
  get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>>;
  /** Streams a chat; resolves with the receipt's id when the answer is complete. */
  chat(body: object, onText: (text: string) => void, options?: ChatOptions): Promise<ChatResult>;
  waitForOffers(count: number): Promise<void>;
}

export interface ChatOptions {
  /** Account of the provider that shall answer. */
  readonly provider?: string;
  readonly signal?: AbortSignal;
}

export interface ChatResult {
  readonly receiptId: string;
  readonly provider: string;
  readonly text: string;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly finishReason: string;
}

const failure = z.object({ error: z.object({ message: z.string(), code: z.string().nullish() }) });
const chunk = z.object({
  choices: z.array(
    z.object({ delta: z.object({ content: z.string().nullish() }), finish_reason: z.string().nullish() }),
  ),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
});
const offers = z.object({ data: z.array(z.unknown()) });

const OFFER_TIMEOUT_MS = 30_000;

/** The access of the local network in `home`. @throws DepinferError `access.missing`. */
export function readAccess(home: string): Access {
  const path = homePaths(home).access;
  if (!existsSync(path)) {
    throw new DepinferError({
      code: "access.missing",
      message: `No network was started in ${home}`,
      remedy: "Start one with `npm start`, or pass --url and --key of a gateway",
      metadata: { home },
    });
  }
  return z
    .object({ url: z.string(), apiKey: z.string(), indexerUrl: z.string(), rpcUrl: z.string() })
    .parse(JSON.parse(readFileSync(path, "utf8")));
}

export function createClient({ url, apiKey }: Access): GatewayClient {
  const base = new URL(url);
  // Silence is the server's to bound; a slow model may take minutes.
  const pool = new Pool(base.origin, { headersTimeout: 0, bodyTimeout: 0 });
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };

  async function request(
    method: "GET" | "POST",
    path: string,
    body: string | null,
    extra: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ) {
    const response = await pool
      .request({ method, path, body, headers: { ...headers, ...extra }, signal: signal ?? null })
      .catch((cause: unknown) => {
        throw new DepinferError({
          code: "gateway.unreachable",
          message: `The gateway at ${url} does not answer: ${errorMessage(cause)}`,
          remedy: "Start the network with `npm start`, or check --url",
          metadata: { url },
          retryable: true,
          cause,
        });
      });
    if (response.statusCode >= 400) {
      throw refused(response.statusCode, await response.body.text());
    }
    return response;
  }

  return {
    async get(path, schema) {
      const { body } = await request("GET", path, null);
      return schema.parse(await body.json());
    },
    async chat(body, onText, options = {}) {
      const wanted = options.provider === undefined ? {} : { "x-depinfer-provider": options.provider };
      const text = JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } });
      const response = await request("POST", "/v1/chat/completions", text, wanted, options.signal);
      const header = (name: string) => String(response.headers[name] ?? "");
      const result = {
        receiptId: header("x-depinfer-receipt"),
        provider: header("x-depinfer-provider"),
        text: "",
        promptTokens: 0,
        outputTokens: 0,
        finishReason: "",
      };
      let rest = "";
      response.body.setEncoding("utf8");
      for await (const piece of response.body) {
        const events = (rest + String(piece)).split("\n\n");
        rest = events.pop() ?? "";
        for (const event of events) {
          const data = event.replace(/^data: /, "");
          if (data === "[DONE]") {
            return result;
          }
          const parsed: unknown = JSON.parse(data);
          const failed = failure.safeParse(parsed);
          if (failed.success) {
            throw refused(200, data);
          }
          const { choices, usage } = chunk.parse(parsed);
          for (const { delta, finish_reason } of choices) {
            result.text += delta.content ?? "";
            result.finishReason = finish_reason ?? result.finishReason;
            onText(delta.content ?? "");
          }
          result.promptTokens = usage?.prompt_tokens ?? result.promptTokens;
          result.outputTokens = usage?.completion_tokens ?? result.outputTokens;
        }
      }
      throw new DepinferError({
        code: "gateway.truncated",
        message: "The gateway closed the stream before the answer was complete",
        remedy: "Ask again",
        retryable: true,
      });
    },
    async waitForOffers(count) {
      const deadline = Date.now() + OFFER_TIMEOUT_MS;
      for (;;) {
        const { body } = await request("GET", "/v1/offers", null);
        if (offers.parse(await body.json()).data.length >= count) {
          return;
        }
        if (Date.now() > deadline) {
          throw new DepinferError({
            code: "gateway.noOffers",
            message: `The gateway saw no offer within ${OFFER_TIMEOUT_MS / 1000} s`,
            remedy: "Read the logs of the providers",
          });
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}

function refused(status: number, text: string): DepinferError {
  const parsed = failure.safeParse(tryJson(text));
  return new DepinferError({
    code: parsed.success ? (parsed.data.error.code ?? "gateway.refused") : "gateway.refused",
    message: parsed.success
      ? parsed.data.error.message.replace(/\.$/, "")
      : `The gateway answered ${status}: ${text.slice(0, 300)}`,
    remedy: status >= 500 ? "Try again in a moment" : "Change the request as the message says",
    metadata: { status },
  });
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
