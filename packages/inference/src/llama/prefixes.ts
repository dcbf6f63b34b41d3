import type { LlamaContextSequence } from "node-llama-cpp";

/*
 * Prompt caching. A sequence keeps what it computed for its last prompt and answer; the next prompt of the same buyer
 * often begins with the same tokens, as every turn of a conversation does. In this runtime class rows that were decoded
 * are bit for bit those of a prefill, and kept ones those computed anew (`bench exactness`), so the proof is the same.
 */

/** What sequences hold from earlier requests, and for whom. */
export interface Prefixes {
  /** Tokens at the start of `prompt` that the sequence holds for this key. */
  shared(sequence: LlamaContextSequence, prompt: readonly number[], key: string | undefined): number;
  /** Drops all that is not shared and returns how much is; what is computed from now on is for `key`. */
  keep(sequence: LlamaContextSequence, prompt: readonly number[], key: string | undefined): Promise<number>;
  clear(sequence: LlamaContextSequence): Promise<void>;
}

/** Below this much the work saved is not worth a second price. */
const LEAST_SHARED = 16;

export function createPrefixes(): Prefixes {
  const keys = new WeakMap<LlamaContextSequence, string>();

  function shared(sequence: LlamaContextSequence, prompt: readonly number[], key: string | undefined): number {
    if (key === undefined || keys.get(sequence) !== key) {
      return 0;
    }
    const held = sequence.contextTokens;
    // The last token is always evaluated: its logits are what the answer begins with.
    const most = Math.min(held.length, prompt.length - 1);
    let same = 0;
    while (same < most && held[same] === prompt[same]) {
      same += 1;
    }
    return same < LEAST_SHARED ? 0 : same;
  }

  async function clear(sequence: LlamaContextSequence): Promise<void> {
    keys.delete(sequence);
    await sequence.clearHistory();
  }

  return {
    shared,
    clear,
    async keep(sequence, prompt, key) {
      const kept = shared(sequence, prompt, key);
      if (kept === 0) {
        await clear(sequence);
      } else {
        await sequence.eraseContextTokenRanges([{ start: kept, end: sequence.nextTokenIndex }]);
      }
      if (key !== undefined) {
        keys.set(sequence, key);
      }
      return kept;
    },
  };
}
