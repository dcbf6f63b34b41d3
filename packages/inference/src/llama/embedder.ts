import { DepinferError, type EmbeddingPrompt } from "@depinfer/protocol";
import type { LlamaEmbeddingContext, LlamaModel, Token } from "node-llama-cpp";
import type { Completion, OnDelta } from "../engine.ts";
import { vectorsText } from "../vectors-text.ts";

/** Turns texts into vectors, one after the other in a context of its own that is opened when it is first needed. */
export interface LlamaEmbedder {
  /**
   * Token ids of each input.
   *
   * @throws DepinferError `request.invalid` for an empty input, other dimensions or foreign ids,
   *   `request.contextExceeded`.
   */
  tokens(prompt: EmbeddingPrompt): readonly (readonly number[])[];
  generate(prompt: EmbeddingPrompt, signal: AbortSignal | undefined, onDelta: OnDelta): Promise<Completion>;
}

/** Characters of text in one piece. */
const PIECE = 48 * 1024;
/** The tokenizer may put one before and one behind an input. */
const ROOM_FOR_ENDS = 2;

export function createLlamaEmbedder(model: LlamaModel, contextLength: number): LlamaEmbedder {
  let opened: Promise<LlamaEmbeddingContext> | undefined;

  function tokens({ inputs, dimensions }: EmbeddingPrompt): readonly (readonly Token[])[] {
    const length = model.embeddingVectorSize;
    if (dimensions !== null && dimensions !== length) {
      throw refused("dimensions", `the vectors of this model have ${length} dimensions, not ${dimensions}`);
    }
    const vocabulary = model.fileInfo.metadata.tokenizer?.ggml?.tokens?.length ?? Number.POSITIVE_INFINITY;
    return inputs.map((input) => {
      const cut =
        typeof input === "string" ? model.tokenize(input, false) : input.filter((id): id is Token => id < vocabulary);
      if (cut.length === 0 || (typeof input !== "string" && cut.length !== input.length)) {
        throw refused("input", "an input is empty, or holds ids that the model does not have");
      }
      if (cut.length + ROOM_FOR_ENDS >= contextLength) {
        throw new DepinferError({
          code: "request.contextExceeded",
          message: `An input has ${cut.length} tokens and the context holds ${contextLength}`,
          remedy: "Cut it into shorter ones",
          metadata: { tokens: cut.length, contextLength },
        });
      }
      return cut;
    });
  }

  async function vectorOf(input: readonly Token[]): Promise<Float32Array> {
    opened ??= model.createEmbeddingContext({ contextSize: contextLength, threads: 1 });
    const { vector } = await (await opened).getEmbeddingFor([...input]);
    const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    return Float32Array.from(vector, (value) => (norm === 0 ? value : value / norm));
  }

  return {
    tokens,
    async generate(prompt, signal, onDelta) {
      const inputs = tokens(prompt);
      const vectors: Float32Array[] = [];
      for (const input of inputs) {
        if (signal?.aborted) {
          break;
        }
        vectors.push(await vectorOf(input));
      }
      const stopReason = signal?.aborted ? "cancelled" : "end";
      const text = stopReason === "end" ? vectorsText(vectors) : "";
      for (let at = 0; at < text.length; at += PIECE) {
        await onDelta([], text.slice(at, at + PIECE));
      }
      return {
        stopReason,
        tokens: [],
        text,
        promptTokens: inputs.reduce((sum, input) => sum + input.length, 0),
        outputTokens: 0,
      };
    },
  };
}

function refused(param: string, why: string): DepinferError {
  return new DepinferError({
    code: "request.invalid",
    message: `Invalid value for ${param}: ${why}`,
    remedy: "Correct it",
    metadata: { param },
  });
}
