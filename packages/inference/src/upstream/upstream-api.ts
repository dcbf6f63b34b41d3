import { DepinferError, type ErrorMetadata, errorMessage } from "@depinfer/protocol";
import { errors, Pool } from "undici";
import { z } from "zod";
import { eventData } from "./event-stream.ts";

const usage = z.object({ prompt_tokens: z.int().min(0), completion_tokens: z.int().min(0) });

const toolCallDelta = z.object({
  index: z.int().min(0).optional(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).optional(),
});
export type ToolCallDelta = z.output<typeof toolCallDelta>;

/** The parts of a chunk that matter here; upstreams add their own members, which are ignored. */
const chunk = z.object({
  choices: z.array(
    z.object({
      delta: z.object({ content: z.string().nullish(), tool_calls: z.array(toolCallDelta).nullish() }).optional(),
      text: z.string().nullish(),
      finish_reason: z.string().nullish(),
      // Read by `tokenEvidence`, which knows what each kind of server puts here.
      logprobs: z.unknown().optional(),
      token_ids: z.unknown().optional(),
    }),
  ),
  usage: usage.nullish(),
});
export type UpstreamChunk = z.output<typeof chunk>;

const failure = z.object({
  error: z.union([z.string(), z.object({ message: z.string() }).transform(({ message }) => message)]),
});
const modelList = z.object({ data: z.array(z.object({ id: z.string(), owned_by: z.string().optional() })).min(1) });
export type UpstreamModel = z.output<typeof modelList>["data"][number];

export interface UpstreamOptions {
  /** Base URL such as `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  /** Bearer token for the upstream, never forwarded from a client. */
  readonly apiKey?: string;
  /** Milliseconds that the upstream may stay silent. */
  readonly timeoutMs?: number;
}

/** A connection to an OpenAI-compatible server. */
export interface UpstreamApi {
  models(): Promise<readonly UpstreamModel[]>;
  /** Yields parsed chunks; ends only after the stream ended the way it should. */
  stream(
    path: "chat/completions" | "completions",
    body: object,
    signal?: AbortSignal,
  ): AsyncGenerator<UpstreamChunk, void, void>;
  /**
   * Posts to a path under the server's root, beside the `/v1` of OpenAI's API, and checks what comes back.
   *
   * @throws DepinferError `upstream.malformed` when the answer is something else.
   */
  call<Schema extends z.ZodType>(path: string, body: object, schema: Schema): Promise<z.output<Schema>>;
  /** As `call`, for a path of OpenAI's API. */
  post<Schema extends z.ZodType>(
    path: string,
    body: object,
    schema: Schema,
    signal?: AbortSignal,
  ): Promise<z.output<Schema>>;
  close(): Promise<void>;
}

export function createUpstreamApi(options: UpstreamOptions): UpstreamApi {
  const base = parseUrl(options.url);
  const timeout = options.timeoutMs ?? 60_000;
  const pool = new Pool(base.origin, { connections: 64, headersTimeout: timeout, bodyTimeout: timeout });
  const prefix = base.pathname.replace(/\/$/, "");
  const root = prefix.replace(/\/v1$/, "");
  const headers = {
    "content-type": "application/json",
    ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
  };

  async function request(method: "GET" | "POST", path: string, body: string | null, signal?: AbortSignal) {
    try {
      return await pool.request({ method, path, headers, body, signal: signal ?? null });
    } catch (cause) {
      throw connectionError(cause, options.url, timeout);
    }
  }

  async function checked<Schema extends z.ZodType>(
    path: string,
    body: object,
    schema: Schema,
    signal?: AbortSignal,
  ): Promise<z.output<Schema>> {
    const url = `${base.origin}${path}`;
    const response = await request("POST", path, JSON.stringify(body), signal);
    const text = await bodyText(response.body, MOST_BODY, url, timeout);
    if (response.statusCode !== 200) {
      throw refused(response.statusCode, text, url);
    }
    const parsed = schema.safeParse(tryJson(text));
    if (!parsed.success) {
      throw upstreamError(
        "upstream.malformed",
        `${url} answered ${JSON.stringify(text.slice(0, 200))}`,
        "Check which kind of server it is, and its version",
      );
    }
    return parsed.data;
  }

  return {
    async models() {
      const response = await request("GET", `${prefix}/models`, null);
      const text = await bodyText(response.body, MOST_SAID, options.url, timeout);
      if (response.statusCode !== 200) {
        throw refused(response.statusCode, text, options.url);
      }
      const parsed = modelList.safeParse(tryJson(text));
      if (!parsed.success) {
        throw upstreamError(
          "upstream.malformed",
          `${options.url}/models answered with something else than a list of models`,
          "Check that the URL ends where the API begins, usually in /v1",
        );
      }
      return parsed.data.data;
    },
    call: (path, body, schema) => checked(`${root}/${path}`, body, schema),
    post: (path, body, schema, signal) => checked(`${prefix}/${path}`, body, schema, signal),
    async *stream(path, body, signal) {
      const response = await request("POST", `${prefix}/${path}`, JSON.stringify(body), signal);
      if (response.statusCode !== 200) {
        const text = await bodyText(response.body, MOST_SAID, options.url, timeout);
        throw refused(response.statusCode, text, options.url);
      }
      let finished = false;
      try {
        for await (const data of eventData(response.body)) {
          if (data === "[DONE]") {
            break;
          }
          const value = tryJson(data);
          const reported = failure.safeParse(value);
          if (reported.success) {
            throw upstreamError(
              "upstream.failed",
              `The upstream failed in mid-stream: ${reported.data.error}`,
              "Try again or use another provider",
              true,
            );
          }
          const parsed = chunk.safeParse(value);
          if (!parsed.success) {
            throw upstreamError(
              "upstream.malformed",
              `The upstream sent an unreadable chunk: ${data.slice(0, 200)}`,
              "Check that the upstream speaks OpenAI's streaming format",
            );
          }
          finished ||= parsed.data.choices.some(({ finish_reason: reason }) => reason !== undefined && reason !== null);
          yield parsed.data;
        }
      } catch (cause) {
        throw cause instanceof DepinferError ? cause : connectionError(cause, options.url, timeout);
      }
      if (!finished) {
        throw upstreamError(
          "upstream.truncated",
          "The upstream closed the stream before the answer was finished",
          "Try again or use another provider",
          true,
        );
      }
    },
    close: () => pool.close(),
  };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw upstreamError(
      "upstream.badUrl",
      `${JSON.stringify(text)} is not an http(s) URL`,
      "Pass something like --upstream http://127.0.0.1:8000/v1",
    );
  }
  return url;
}

/** Bytes of a whole answer: 2,048 vectors of 4,096 numbers as text have about 170 MB. */
const MOST_BODY = 268_435_456;
/** Bytes of an error or of a list of models. */
const MOST_SAID = 4_194_304;

/** The text of a body. @throws DepinferError `upstream.malformed` when it is longer than `most` bytes. */
async function bodyText(body: AsyncIterable<Buffer>, most: number, url: string, timeoutMs: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      length += chunk.length;
      if (length > most) {
        throw upstreamError(
          "upstream.malformed",
          `${url} answered with more than ${most} bytes`,
          "Check which kind of server it is",
        );
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    throw cause instanceof DepinferError ? cause : connectionError(cause, url, timeoutMs);
  }
  return Buffer.concat(chunks).toString();
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refused(status: number, text: string, url: string): DepinferError {
  const reported = failure.safeParse(tryJson(text));
  const why = reported.success ? reported.data.error : text.slice(0, 300);
  const retryable = status === 429 || status >= 500;
  return upstreamError(
    "upstream.refused",
    `${url} answered ${status}: ${why}`,
    retryable ? "Try again later" : "Check the upstream's URL, key and model name",
    retryable,
    undefined,
    { status },
  );
}

function connectionError(cause: unknown, url: string, timeoutMs: number): DepinferError {
  if (cause instanceof errors.HeadersTimeoutError || cause instanceof errors.BodyTimeoutError) {
    return upstreamError(
      "upstream.timeout",
      `${url} was silent for ${timeoutMs} ms`,
      "Check the upstream's load, or raise --upstream-timeout",
      true,
      cause,
    );
  }
  if (cause instanceof errors.RequestAbortedError || (cause instanceof Error && cause.name === "AbortError")) {
    return upstreamError("upstream.aborted", "The request was cancelled", "Nothing to do", false, cause);
  }
  return upstreamError(
    "upstream.unreachable",
    `${url} cannot be reached: ${errorMessage(cause)}`,
    "Start the model server, or correct --upstream",
    true,
    cause,
  );
}

function upstreamError(
  code: string,
  message: string,
  remedy: string,
  retryable = false,
  cause?: unknown,
  metadata: ErrorMetadata = {},
): DepinferError {
  return new DepinferError({ code, message, remedy, retryable, cause, metadata });
}
