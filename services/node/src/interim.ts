import type { Completion } from "@depinfer/inference";

/** Tokens that a receipt counts. */
export interface Usage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

/** Says when what was sent so far is due to be signed for, so that a buyer whose provider dies can pay what it has. */
export interface Interim {
  /** Engines that cannot tell what they read have nothing to sign for before the end. */
  onPrompt(usage: Pick<Completion, "promptTokens" | "cachedTokens">): void;
  /** What a receipt counts now, or null when none is due. */
  due(outputTokens: number): Usage | null;
}

/** Milliseconds between receipts for a part. What a provider that dies has sent since the last one is not paid. */
const INTERVAL_MS = 400;

/** @param startedAt when the request was accepted, by `now`. */
export function createInterim(startedAt: number, now: () => number = Date.now): Interim {
  let last = startedAt;
  let known: Pick<Usage, "promptTokens" | "cachedTokens"> | null = null;
  return {
    onPrompt({ promptTokens, cachedTokens = 0 }) {
      known = { promptTokens, cachedTokens };
    },
    due(outputTokens) {
      const time = now();
      if (known === null || outputTokens === 0 || time - last < INTERVAL_MS) {
        return null;
      }
      last = time;
      return { ...known, outputTokens };
    },
  };
}
