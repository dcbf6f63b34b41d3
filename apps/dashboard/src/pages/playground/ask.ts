import { DepinferError } from "@depinfer/protocol";
import { apiErrorSchema } from "@depinfer/protocol/api";
import { z } from "zod";
import { request, type Server } from "../../api/call.ts";
import { otherVersion } from "../../api/errors.ts";
import { readEvents } from "../../api/event-stream.ts";
import type { ToolCall } from "./conversation.ts";

const chunkSchema = z.object({
  choices: z.array(
    z.object({
      delta: z.object({
        content: z.string().nullish(),
        tool_calls: z
          .array(
            z.object({
              index: z.number(),
              id: z.string().nullish(),
              function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }),
            }),
          )
          .nullish(),
      }),
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
});

/** What an answer is made of so far. */
export interface Progress {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
}

export interface AnswerHead {
  readonly receiptId: string | null;
  readonly provider: string | null;
  readonly proofLevel: string | null;
}

export interface AnswerEnd extends Progress {
  readonly finish: string | null;
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
  readonly firstTokenMs: number | null;
  readonly milliseconds: number;
}

export interface AskOptions {
  readonly signal: AbortSignal;
  readonly onHead: (head: AnswerHead) => void;
  /** Called for each piece; the text is whole so far. */
  readonly onProgress: (progress: Progress) => void;
}

/**
 * Streams an answer of the gateway.
 *
 * @throws DepinferError the gateway's own, `api.unreachable`, `api.otherVersion`, or `api.cutOff` for a stream that ended
 *   without saying why.
 */
export async function ask(
  server: Server,
  body: Readonly<Record<string, unknown>>,
  { signal, onHead, onProgress }: AskOptions,
): Promise<AnswerEnd> {
  const started = performance.now();
  const response = await request(server, "/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  onHead({
    receiptId: response.headers.get("x-depinfer-receipt"),
    provider: response.headers.get("x-depinfer-provider"),
    proofLevel: response.headers.get("x-depinfer-proof-level"),
  });
  let text = "";
  let finish: string | null = null;
  let usage: { prompt_tokens: number; completion_tokens: number } | null = null;
  let firstTokenMs: number | null = null;
  let ended = false;
  const calls = new Map<number, ToolCall>();
  for await (const { data } of response.body === null ? [] : readEvents(response.body)) {
    if (data === "[DONE]") {
      ended = true;
      break;
    }
    const chunk = parseChunk(data);
    usage = chunk.usage ?? usage;
    for (const { delta, finish_reason } of chunk.choices) {
      firstTokenMs ??= performance.now() - started;
      text += delta.content ?? "";
      finish = finish_reason ?? finish;
      for (const call of delta.tool_calls ?? []) {
        const before = calls.get(call.index) ?? { id: "", name: "", arguments: "" };
        calls.set(call.index, {
          id: call.id ?? before.id,
          name: call.function.name ?? before.name,
          arguments: before.arguments + (call.function.arguments ?? ""),
        });
      }
      onProgress({ text, toolCalls: [...calls.values()] });
    }
  }
  if (!ended && finish === null) {
    throw new DepinferError({
      code: "api.cutOff",
      message: "The answer broke off before its end",
      remedy: "What came is kept above; ask again to get the rest",
      retryable: true,
    });
  }
  return {
    text,
    toolCalls: [...calls.values()],
    finish,
    promptTokens: usage?.prompt_tokens ?? null,
    outputTokens: usage?.completion_tokens ?? null,
    firstTokenMs,
    milliseconds: performance.now() - started,
  };
}

function parseChunk(data: string): z.output<typeof chunkSchema> {
  const json = parseJson(data);
  const failed = apiErrorSchema.safeParse(json);
  if (failed.success) {
    const { code, message, remedy } = failed.data.error;
    throw new DepinferError({ code: code ?? "api.failed", message: message.replace(/\.$/, ""), remedy: remedy ?? "" });
  }
  const parsed = chunkSchema.safeParse(json);
  if (!parsed.success) {
    throw otherVersion("gateway", "/v1/chat/completions", "a piece of the stream is in no known form");
  }
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
