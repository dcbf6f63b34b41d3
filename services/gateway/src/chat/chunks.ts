import type { Usage } from "@depinfer/protocol";
import type { FinishReason } from "./finish-reason.ts";
import { usageBody } from "./usage.ts";

/*
 * OpenAI's stream. Its chunks differ only in a few characters, so the rest of each is made once per stream and choice, and
 * text is put between.
 */

export interface ResponseIdentity {
  readonly endpoint: "chat" | "completion";
  readonly id: string;
  /** Unix second. */
  readonly created: number;
  readonly model: string;
  readonly fingerprint: string;
  /** Whether the last chunk tells the usage, in which case every other one says that it does not. */
  readonly includeUsage: boolean;
}

/** Makes the frames of one stream. Each result is a whole server-sent event. `logprobs` is JSON. */
export interface ChunkWriter {
  /** The first chunk of a choice of a chat, which carries the role; empty for completions. */
  opening(choice: number): string;
  text(choice: number, piece: string, logprobs: string): string;
  callStart(choice: number, index: number, id: string, name: string): string;
  callArguments(choice: number, index: number, piece: string): string;
  finish(choice: number, reason: FinishReason, logprobs: string): string;
  usage(usage: Usage): string;
  readonly done: string;
}

export function createChunkWriter(identity: ResponseIdentity): ChunkWriter {
  const { endpoint, id, created, model, fingerprint, includeUsage } = identity;
  const object = endpoint === "chat" ? "chat.completion.chunk" : "text_completion";
  const head = `data: ${JSON.stringify({ id, object, created, model, system_fingerprint: fingerprint }).slice(0, -1)},"choices":[`;
  const tail = includeUsage ? '],"usage":null}\n\n' : "]}\n\n";
  const chunk = (choice: number, body: string, logprobs: string, reason: string) =>
    `${head}{"index":${choice},${body},"logprobs":${logprobs},"finish_reason":${reason}}${tail}`;
  const call = (choice: number, body: object) =>
    chunk(choice, `"delta":{"tool_calls":[${JSON.stringify(body)}]}`, "null", "null");
  return {
    opening: (choice) =>
      endpoint === "chat"
        ? chunk(choice, '"delta":{"role":"assistant","content":"","refusal":null}', "null", "null")
        : "",
    text: (choice, piece, logprobs) =>
      chunk(
        choice,
        endpoint === "chat" ? `"delta":{"content":${JSON.stringify(piece)}}` : `"text":${JSON.stringify(piece)}`,
        logprobs,
        "null",
      ),
    callStart: (choice, index, id, name) =>
      call(choice, { index, id, type: "function", function: { name, arguments: "" } }),
    callArguments: (choice, index, piece) => call(choice, { index, function: { arguments: piece } }),
    finish: (choice, reason, logprobs) =>
      chunk(choice, endpoint === "chat" ? '"delta":{}' : '"text":""', logprobs, JSON.stringify(reason)),
    usage: (usage) => `${head}],"usage":${JSON.stringify(usageBody(usage))}}\n\n`,
    done: "data: [DONE]\n\n",
  };
}
