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
  /** Generates exactly `count` tokens after `prompt`, past the end of the turn if need be, and their text as it goes. */
  generate(prompt: readonly number[], count: number, sampling: PlainSampling): Promise<void>;
  /** The same, evaluating the row before each token once more, as a class does in which decode and prefill agree. */
  generateInPairs(prompt: readonly number[], count: number, sampling: PlainSampling): Promise<void>;
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
    generate: (prompt, count, sampling) => generate(model, sequence, toTokens(prompt), count, sampling),
    generateInPairs: (prompt, count, sampling) => generateInPairs(model, sequence, toTokens(prompt), count, sampling),
    async prefill(tokens) {
      await sequence.clearHistory();
      await sequence.evaluateWithoutGeneratingNewTokens(toTokens(tokens));
    },
    dispose: () => disposeModel(model),
  };
}

async function generate(
  model: LlamaModel,
  sequence: LlamaContextSequence,
  prompt: Token[],
  count: number,
  { temperature, topK, seed }: PlainSampling,
): Promise<void> {
  await sequence.clearHistory();
  let generated = 0;
  for await (const token of sequence.evaluate(prompt, { temperature, topK, seed, yieldEogToken: true })) {
    model.detokenize([token]);
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

async function generateInPairs(
  model: LlamaModel,
  sequence: LlamaContextSequence,
  prompt: Token[],
  count: number,
  options: PlainSampling,
): Promise<void> {
  const ask = { generateNext: { token: true, options: { ...options, topP: 1 } } };
  await sequence.clearHistory();
  let rows = prompt;
  for (let generated = 0; generated < count; generated++) {
    const last = rows.length - 1;
    const results = await sequence.controlledEvaluate(
      rows.map((token, index): Token | [Token, typeof ask] => (index === last ? [token, ask] : token)),
    );
    const end = sequence.nextTokenIndex;
    const drawn = results[last]?.next.token ?? rows[last];
    const before = rows[last];
    if (drawn === undefined || before === undefined) {
      return;
    }
    model.detokenize([drawn]);
    await sequence.eraseContextTokenRanges([{ start: end - 1, end }]);
    rows = [before, drawn];
  }
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
