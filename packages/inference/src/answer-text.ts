/**
 * Turns token ids into text as they come, holding back what is not final: half of a character, and text that may
 * become a stop sequence. The same ids always give the same text, so that a verifier can repeat it.
 */
export interface AnswerText {
  /** Text that became final with this token. */
  push(token: number): string;
  /** True once a stop sequence was met; nothing more comes after it. */
  readonly stopped: boolean;
  /** The text held back, when the answer ended otherwise. */
  flush(): string;
}

/** Shows what `tokens` add to a text that ended with `before`. */
export type Detokenize = (tokens: readonly number[], before: readonly number[]) => string;

/** Tokens of context that decide about leading spaces and joined characters. */
const CONTEXT_TOKENS = 4;
/** The longest UTF-8 character has 4 bytes, and byte-level tokens carry one each. */
const LONGEST_CHARACTER = 4;
const INCOMPLETE = "\uFFFD";

/** @param resumed tokens that the answer has already; what was final of their text is not said again. */
export function createAnswerText(
  detokenize: Detokenize,
  prompt: readonly number[],
  stop: readonly string[],
  resumed: readonly number[] = [],
): AnswerText {
  const before = prompt.slice(-CONTEXT_TOKENS);
  let pending: number[] = [];
  let held = "";
  let stopped = false;

  function settle(text: string): string {
    held += text;
    const at = firstStop(held, stop);
    if (at >= 0) {
      stopped = true;
      const final = held.slice(0, at);
      held = "";
      return final;
    }
    const keep = longestPossibleStop(held, stop);
    const final = held.slice(0, held.length - keep);
    held = held.slice(held.length - keep);
    return final;
  }

  function takePending(text: string): string {
    before.push(...pending);
    before.splice(0, before.length - CONTEXT_TOKENS);
    pending = [];
    return text;
  }

  function push(token: number): string {
    if (stopped) {
      return "";
    }
    pending.push(token);
    const piece = detokenize(pending, before);
    const complete = pending.length >= LONGEST_CHARACTER || !piece.endsWith(INCOMPLETE);
    return complete ? settle(takePending(piece)) : "";
  }

  for (const token of resumed) {
    push(token);
  }

  return {
    push,
    get stopped() {
      return stopped;
    },
    flush() {
      if (stopped) {
        return "";
      }
      const rest = pending.length > 0 ? settle(takePending(detokenize(pending, before))) : "";
      const final = stopped ? rest : rest + held;
      held = "";
      return final;
    },
  };
}

function firstStop(text: string, stop: readonly string[]): number {
  let first = -1;
  for (const sequence of stop) {
    const at = text.indexOf(sequence);
    if (at >= 0 && (first < 0 || at < first)) {
      first = at;
    }
  }
  return first;
}

/** Length of the longest end of `text` that begins a stop sequence. */
function longestPossibleStop(text: string, stop: readonly string[]): number {
  let longest = 0;
  for (const sequence of stop) {
    for (let length = Math.min(sequence.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(sequence.slice(0, length))) {
        longest = length;
      }
    }
  }
  return longest;
}
