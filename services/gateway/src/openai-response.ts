import type { Answer } from "@depinfer/client";

/*
 * OpenAI's response bodies. The stream's chunks differ only in a few characters, so the rest of each is made once per
 * stream and text is put between.
 */

type Endpoint = "chat" | "completion";

/** What of an answer is told beside its text. */
type Told = Pick<Answer, "stopReason" | "usage">;

export interface ResponseIdentity {
  readonly endpoint: Endpoint;
  readonly id: string;
  /** Unix second. */
  readonly created: number;
  readonly model: string;
  /** Runtime class, shortened: answers with the same fingerprint came from machines that can check each other. */
  readonly fingerprint: string;
}

const FINISH_REASONS = { end: "stop", stopSequence: "stop", length: "length", cancelled: "stop" } as const;

export function finishReason(stopReason: Answer["stopReason"]): "stop" | "length" {
  return FINISH_REASONS[stopReason];
}

export function usageBody({ usage }: Pick<Answer, "usage">) {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.promptTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
  };
}

/** The whole answer as one body. */
export function completeBody(
  { endpoint, id, created, model, fingerprint }: ResponseIdentity,
  text: string,
  answer: Told,
) {
  const finish_reason = finishReason(answer.stopReason);
  return endpoint === "chat"
    ? {
        id,
        object: "chat.completion",
        created,
        model,
        system_fingerprint: fingerprint,
        choices: [
          { index: 0, message: { role: "assistant", content: text, refusal: null }, logprobs: null, finish_reason },
        ],
        usage: usageBody(answer),
      }
    : {
        id,
        object: "text_completion",
        created,
        model,
        system_fingerprint: fingerprint,
        choices: [{ index: 0, text, logprobs: null, finish_reason }],
        usage: usageBody(answer),
      };
}

/** Makes the frames of one stream. Each result is a whole server-sent event. */
export interface ChunkWriter {
  /** The first chunk of a chat, which carries the role; empty for completions. */
  opening(): string;
  text(piece: string): string;
  finish(reason: "stop" | "length"): string;
  usage(answer: Told): string;
  readonly done: string;
}

export function createChunkWriter(identity: ResponseIdentity): ChunkWriter {
  const { endpoint, id, created, model, fingerprint } = identity;
  const object = endpoint === "chat" ? "chat.completion.chunk" : "text_completion";
  const head = `data: ${JSON.stringify({ id, object, created, model, system_fingerprint: fingerprint }).slice(0, -1)},"choices":[`;
  const tail = "]}\n\n";
  const choice = (body: string, reason: string) =>
    `${head}{"index":0,${body},"logprobs":null,"finish_reason":${reason}}${tail}`;
  return {
    opening: () => (endpoint === "chat" ? choice('"delta":{"role":"assistant","content":""}', "null") : ""),
    text: (piece) =>
      choice(
        endpoint === "chat" ? `"delta":{"content":${JSON.stringify(piece)}}` : `"text":${JSON.stringify(piece)}`,
        "null",
      ),
    finish: (reason) => choice(endpoint === "chat" ? '"delta":{}' : '"text":""', JSON.stringify(reason)),
    usage: (answer) => `${head}],"usage":${JSON.stringify(usageBody(answer))}}\n\n`,
    done: "data: [DONE]\n\n",
  };
}
