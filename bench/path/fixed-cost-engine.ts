import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { Completion, Engine } from "@depinfer/inference";
import { classId, type Generation, type Hex, type RuntimeClass } from "@depinfer/protocol";
import { z } from "zod";
import { ONE_PER_TURN, PIECES } from "./answer-script.ts";

const NO_HASH: Hex = `0x${"00".repeat(32)}`;
const PROMPT_TOKENS = 160;
/** More than a benchmark has clients, so that nobody is refused as busy. */
const SLOTS = 160;

/** What answers of a pretended engine cost: time, and no processor. Nothing by default. */
export const engineCostSchema = z.strictObject({
  slots: z.int().min(1).optional(),
  /** Milliseconds that a whole answer takes before its first token. */
  answerMs: z.int().min(0).optional(),
  /** Milliseconds between two tokens. */
  tokenMs: z.int().min(0).optional(),
});
export type EngineCost = z.output<typeof engineCostSchema>;

/** An engine whose answers cost a fixed time, or nothing, so that what is left is the price of the path. */
export function createFixedCostEngine({ slots = SLOTS, answerMs = 0, tokenMs = 0 }: EngineCost): Engine {
  const runtimeClass: RuntimeClass = {
    weights: NO_HASH,
    quantisation: "none",
    tokenizer: NO_HASH,
    chatTemplate: NO_HASH,
    engine: "zero-cost benchmark engine",
    backend: "none",
    flashAttention: false,
    keyCache: "none",
    valueCache: "none",
    microBatch: 1,
    sampler: "none",
  };
  const prompt = { tokens: Array.from({ length: PROMPT_TOKENS }, (_, index) => index) };
  const deltas = PIECES.map((text, token) => ({ tokens: [token], text }));
  const completion: Completion = {
    stopReason: "length",
    tokens: PIECES.map((_, token) => token),
    text: PIECES.join(""),
    promptTokens: PROMPT_TOKENS,
    outputTokens: PIECES.length,
  };
  return {
    description: {
      model: "zero-cost",
      runtimeClass,
      classId: classId(runtimeClass),
      proofLevel: "none",
      contextLength: 4_096,
      slots,
    },
    prompt: () => prompt,
    async generate({ generation, signal }, onDelta) {
      const paced = wantsTurns(generation);
      if (answerMs > 0) {
        await sleep(answerMs);
      }
      for (const { tokens, text } of deltas) {
        const full = onDelta(tokens, text);
        if (full !== undefined) {
          await full;
        }
        if (tokenMs > 0) {
          await sleep(tokenMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
        } else if (paced) {
          await turn();
        }
        if (signal?.aborted) {
          break;
        }
      }
      return completion;
    },
    dispose: async () => undefined,
  };
}

function wantsTurns({ prompt }: Generation): boolean {
  return "messages" in prompt && prompt.messages.some(({ content }) => content.startsWith(ONE_PER_TURN));
}
