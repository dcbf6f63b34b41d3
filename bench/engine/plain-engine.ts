import { loadBackend } from "@depinfer/inference";
import type { RuntimeClass } from "@depinfer/protocol";
import type { LlamaContextSequence, LlamaModel, Token } from "node-llama-cpp";
import { BenchError } from "../bench-error.ts";

/** How the plain engine draws a token. */
export interface PlainSampling {
  readonly temperature: number;
  readonly topK: number;
  readonly seed: number;
}

/** llama.cpp through node-llama-cpp, with nothing of ours around it: the baseline of our engine. */
export interface PlainEngine {
  readonly contextLength: number;
  /** Generates exactly `count` tokens after `prompt`, past the end of the turn if need be. */
  generate(prompt: readonly number[], count: number, sampling: PlainSampling): Promise<void>;
  /** Evaluates tokens and asks for no logits: the least that a check of them can cost. */
  prefill(tokens: readonly number[]): Promise<void>;
  dispose(): Promise<void>;
}

export interface PlainEngineOptions {
  readonly modelPath: string;
  readonly contextLength: number;
  /** As our engine has them, unless they are what is measured. */
  readonly runtimeClass: Pick<RuntimeClass, "flashAttention" | "microBatch">;
}

/** The same library, threads and kinds of cache as our engine has. */
export async function createPlainEngine({
  modelPath,
  contextLength,
  runtimeClass: { flashAttention, microBatch },
}: PlainEngineOptions): Promise<PlainEngine> {
  const llama = await loadBackend({ gpu: false, cpuLibrary: "portable" });
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const context = await model.createContext({
    contextSize: contextLength,
    batchSize: microBatch,
    threads: 1,
    flashAttention,
  });
  const sequence = context.getSequence();
  return {
    contextLength,
    generate: (prompt, count, sampling) => generate(sequence, toTokens(prompt), count, sampling),
    async prefill(tokens) {
      await sequence.clearHistory();
      await sequence.evaluateWithoutGeneratingNewTokens(toTokens(tokens));
    },
    dispose: () => disposeModel(model),
  };
}

async function generate(
  sequence: LlamaContextSequence,
  prompt: Token[],
  count: number,
  { temperature, topK, seed }: PlainSampling,
): Promise<void> {
  await sequence.clearHistory();
  let generated = 0;
  for await (const _ of sequence.evaluate(prompt, { temperature, topK, seed, yieldEogToken: true })) {
    generated += 1;
    if (generated === count) {
      return;
    }
  }
  throw new BenchError({
    code: "bench.shortAnswer",
    message: `The baseline made ${generated} tokens instead of ${count}`,
    remedy: "Its rate cannot be compared; use a model and prompt that give longer answers",
    metadata: { generated, count },
  });
}

async function disposeModel(model: LlamaModel): Promise<void> {
  await model.dispose();
}

function isToken(value: number): value is Token {
  return Number.isInteger(value) && value >= 0;
}

function toTokens(ids: readonly number[]): Token[] {
  return ids.filter(isToken);
}
