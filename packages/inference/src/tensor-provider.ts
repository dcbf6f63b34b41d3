import { DepinferError, tensorText, tensorWords } from "@depinfer/protocol";
import type { Engine } from "./engine.ts";
import type { TensorEngine } from "./tensor-engine.ts";
import { tensorsOf } from "./tensor-prompt.ts";

/** Characters of a piece of the answer's text; a frame holds many times as much. */
const PIECE = 1 << 16;

/**
 * An engine of tensors as providers serve engines: the answer is its canonical text, and words of four bytes are what
 * tokens are for text. There are no token ids; the hashes of request and text bind every bit.
 */
export function createTensorProvider(tensors: TensorEngine): Engine {
  const { description } = tensors;
  return {
    description,
    prompt(generation) {
      const words = tensorWords(tensorsOf(generation));
      if (words >= description.contextLength) {
        throw new DepinferError({
          code: "request.contextExceeded",
          message: `The input has ${words} words of four bytes, the model takes fewer than ${description.contextLength}`,
          remedy: "Send smaller tensors",
          metadata: { words, contextLength: description.contextLength },
        });
      }
      return { tokens: [] };
    },
    async generate({ generation, maxTokens, signal }, onDelta) {
      const inputs = tensorsOf(generation);
      const promptTokens = tensorWords(inputs);
      const outputs = signal?.aborted ? null : await tensors.infer(inputs);
      if (outputs === null || signal?.aborted) {
        return { stopReason: "cancelled", tokens: [], text: "", promptTokens, outputTokens: 0 };
      }
      const outputTokens = tensorWords(outputs);
      if (outputTokens > maxTokens) {
        throw new DepinferError({
          code: "request.outputTooLarge",
          message: `The output has ${outputTokens} words of four bytes, the request allows ${maxTokens}`,
          remedy: `Ask with max_output_words of at least ${outputTokens}`,
          metadata: { outputTokens, maxTokens, param: "max_output_words" },
        });
      }
      const text = tensorText(outputs);
      for (let at = 0; at < text.length; at += PIECE) {
        await onDelta([], text.slice(at, at + PIECE));
      }
      return { stopReason: "end", tokens: [], text, promptTokens, outputTokens };
    },
    dispose: () => tensors.dispose(),
  };
}
