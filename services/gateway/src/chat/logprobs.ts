import { type PositionLogprobs, type TokenLogprob, utf8 } from "@depinfer/protocol";

/**
 * Tells the log-probabilities of an answer in the form of its endpoint. Tokens may come before their text, so what was not
 * told yet goes with the next chunk.
 */
export interface LogprobTeller {
  push(positions: readonly PositionLogprobs[]): void;
  /** What was not told yet, as JSON; `null` where none were asked for or none are left. */
  next(): string;
  /** Those of the whole answer, or null where none were asked for. */
  all(): object | null;
}

const SILENT: LogprobTeller = { push: () => undefined, next: () => "null", all: () => null };

/** @param asked alternatives beside each token, or null when nothing is told. */
export function createLogprobTeller(endpoint: "chat" | "completion", asked: number | null): LogprobTeller {
  if (asked === null) {
    return SILENT;
  }
  const positions: PositionLogprobs[] = [];
  let told = 0;
  let offset = 0;

  function tell(from: number): object {
    const some = positions.slice(from);
    if (endpoint === "chat") {
      return { content: some.map(chatLogprob), refusal: null };
    }
    const start = from === 0 ? 0 : offset;
    return completionLogprobs(some, start);
  }

  return {
    push(more) {
      positions.push(...more);
    },
    next() {
      if (told === positions.length) {
        return "null";
      }
      const json = JSON.stringify(tell(told));
      offset += positions.slice(told).reduce((sum, { text }) => sum + text.length, 0);
      told = positions.length;
      return json;
    },
    all: () => tell(0),
  };
}

/** A position as chats and responses tell it. */
export function chatLogprob(position: PositionLogprobs) {
  return { ...one(position), top_logprobs: position.top.map(one) };
}

function one({ text, bytes, logprob }: TokenLogprob) {
  return { token: text, logprob, bytes: bytes ?? [...utf8(text)] };
}

/** @param start characters of the answer before these. */
function completionLogprobs(positions: readonly PositionLogprobs[], start: number) {
  let offset = start;
  const text_offset = positions.map(({ text }) => {
    const here = offset;
    offset += text.length;
    return here;
  });
  return {
    tokens: positions.map(({ text }) => text),
    token_logprobs: positions.map(({ logprob }) => logprob),
    top_logprobs: positions.map(({ top }) => Object.fromEntries(top.map(({ text, logprob }) => [text, logprob]))),
    text_offset,
  };
}
