import { setImmediate as turn } from "node:timers/promises";
import type { Completion, Engine } from "@depinfer/inference";
import { classId, type Generation, type Hex, type RuntimeClass } from "@depinfer/protocol";
import { ONE_PER_TURN, PIECES } from "./answer-script.ts";

const NO_HASH: Hex = `0x${"00".repeat(32)}`;
const PROMPT_TOKENS = 160;
/** More than the benchmark has clients, so that nobody is refused as busy. */
const SLOTS = 80;

/** An engine whose answers cost nothing, so that what is left is the price of the path. */
export function createZeroCostEngine(): Engine {
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
      slots: SLOTS,
    },
    prompt: () => prompt,
    async generate({ generation }, onDelta) {
      const paced = wantsTurns(generation);
      for (const { tokens, text } of deltas) {
        const full = onDelta(tokens, text);
        if (full !== undefined) {
          await full;
        }
        if (paced) {
          await turn();
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
