/*
 * The one answer that everybody in the path benchmark gives, so that only the way there differs: 64 tokens of text,
 * as one body, as a stream with one token per turn of the event loop, or as a stream written in one turn.
 */

export const OUTPUT_TOKENS = 64;

/** Text of each token. */
export const PIECES: readonly string[] = Array.from({ length: OUTPUT_TOKENS }, (_, index) => ` tok${index}`);

/** How an answer is asked for. `burst` shows what a stream costs when nothing separates its tokens. */
export const MODES = ["json", "sse", "burst", "held"] as const;
export type Mode = (typeof MODES)[number];

/** Says to the zero-cost engine that tokens come one per turn, as a real engine gives them. */
export const ONE_PER_TURN = "One token at a time, please. ";

/** Says to the origin that tokens come half a second apart, so that a stream stays open. */
export const HELD_OPEN = "Take your time, please. ";
/** Milliseconds between two tokens of a stream that is held open. */
export const HELD_TOKEN_MS = 500;

const OPENINGS: Partial<Record<Mode, string>> = { sse: ONE_PER_TURN, held: HELD_OPEN };

const SYSTEM = "You are a helpful assistant. ".repeat(8);
const QUESTION = "Explain how two nodes of a network find each other. ".repeat(8);

/** The request body, the same for our path and for the baselines. */
export function requestBody(mode: Mode, model: string): string {
  return JSON.stringify({
    model,
    stream: mode !== "json",
    ...(mode === "json" ? {} : { stream_options: { include_usage: true } }),
    temperature: 0.7,
    max_tokens: OUTPUT_TOKENS,
    messages: [
      { role: "system", content: SYSTEM },
      { role: "user", content: (OPENINGS[mode] ?? "") + QUESTION },
    ],
  });
}

const identity = { id: "chatcmpl-0", created: 1_760_000_000, model: "zero-cost", system_fingerprint: "fp_0" };

/** The whole answer in OpenAI's form, as the baseline's origin gives it. */
export const ANSWER_BODY = Buffer.from(
  JSON.stringify({
    ...identity,
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: PIECES.join(""), refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: { prompt_tokens: 160, completion_tokens: OUTPUT_TOKENS, total_tokens: 160 + OUTPUT_TOKENS },
  }),
);

function chunk(delta: object, reason: string | null): Buffer {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: reason }];
  return Buffer.from(`data: ${JSON.stringify({ ...identity, object: "chat.completion.chunk", choices })}\n\n`);
}

/** The events of the streamed answer. */
export const ANSWER_EVENTS: readonly Buffer[] = [
  ...PIECES.map((content) => chunk({ content }, null)),
  chunk({}, "stop"),
  Buffer.from("data: [DONE]\n\n"),
];
