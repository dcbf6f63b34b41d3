import type { Completion, Engine } from "@depinfer/inference";
import { classId, DepinferError, type Generation, type RuntimeClass, textPrompt } from "@depinfer/protocol";

/*
 * An engine without weights: as many tokens as the request allows, each a word. What it is asked decides how it behaves,
 * so that a test says in its prompt what shall happen.
 */

const zero = `0x${"00".repeat(32)}` as const;
const runtimeClass: RuntimeClass = {
  weights: zero,
  quantisation: "none",
  tokenizer: zero,
  chatTemplate: zero,
  engine: "words",
  backend: "test",
  flashAttention: false,
  keyCache: "none",
  valueCache: "none",
  microBatch: 1,
  sampler: "depinfer-sampler/1",
};

const CONTEXT = 4_096;

export interface WordEngineOptions {
  readonly slots?: number;
  /** Name in the offer. */
  readonly model?: string;
}

/** Tokens between two turns of the event loop; small, so that a cancel can come in between. */
const BURST = 8;

export function createWordEngine({ slots = 4, model = "words" }: WordEngineOptions = {}): Engine {
  return {
    description: {
      model,
      runtimeClass,
      classId: classId(runtimeClass),
      proofLevel: "seeded",
      contextLength: CONTEXT,
      slots,
    },
    prompt(generation) {
      const text = textOf(generation);
      const tokens = [...Buffer.from(text)];
      if (tokens.length >= CONTEXT) {
        throw new DepinferError({
          code: "request.contextExceeded",
          message: `The prompt has ${tokens.length} tokens and the context holds ${CONTEXT}`,
          remedy: "Shorten the prompt",
        });
      }
      return { tokens };
    },
    async generate({ generation, prompt, maxTokens, signal }, onDelta) {
      const text = textOf(generation);
      const tokens: number[] = [];
      let said = "";
      const finish = (stopReason: Completion["stopReason"]): Completion => ({
        stopReason,
        tokens,
        text: said,
        promptTokens: prompt.tokens.length,
        outputTokens: tokens.length,
      });
      if (text.includes("hang")) {
        await new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true }));
      }
      while (tokens.length < maxTokens) {
        if (signal?.aborted) {
          return finish("cancelled");
        }
        if (text.includes("fail") && tokens.length >= (text.includes("fail late") ? 3 : 0)) {
          throw new DepinferError({
            code: "engine.failed",
            message: "The engine failed as it was told to",
            remedy: "Ask another provider",
            retryable: true,
          });
        }
        const token = (tokens.length * 7 + prompt.tokens.length) % 50_000;
        const piece = text.includes("long words") ? `${token}${"x".repeat(2_000)} ` : `${token} `;
        tokens.push(token);
        said += piece;
        await onDelta([token], piece);
        if (tokens.length % BURST === 0) {
          await new Promise((resolve) => setTimeout(resolve, text.includes("slowly") ? 10 : 0));
        }
      }
      return finish("length");
    },
    dispose: async () => undefined,
  };
}

function textOf(generation: Generation): string {
  const prompt = textPrompt(generation.prompt);
  return "text" in prompt ? prompt.text : prompt.messages.map(({ content }) => content).join("\n");
}
