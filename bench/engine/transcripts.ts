import { createHash } from "node:crypto";
import type { ScoringEngine } from "@depinfer/inference";
import { type Generation, PLAIN_SAMPLING } from "@depinfer/protocol";
import { BenchError } from "../bench-error.ts";

/** A prompt and an answer of known lengths, made by our own engine. */
export interface Sampled {
  readonly prompt: readonly number[];
  readonly output: readonly number[];
  readonly seed: Uint8Array;
  readonly generation: Generation;
}

export const TEMPERATURE = 0.7;

/** Seeds tried until an answer is long enough: the model ends most answers by itself. */
const ATTEMPTS = 200;

const WORDS =
  "Once upon a time there was a little fox who lived near a quiet river and liked to talk with every bird that came by. ";

/** A text completion, so that the prompt can have any length and the model goes on for as long as it likes. */
export function generationFor(characters: number): Generation {
  const text = WORDS.repeat(Math.ceil(characters / WORDS.length)).slice(0, characters);
  return { ...PLAIN_SAMPLING, prompt: { text }, temperature: TEMPERATURE, seed: null, stop: [], maxTokens: null };
}

export function seedNumber(index: number): Uint8Array {
  return createHash("sha256").update(`bench seed ${index}`).digest();
}

/** A prompt of exactly `promptTokens` and an answer of exactly `outputTokens`. @throws BenchError `bench.shortAnswer`. */
export async function sampleTranscript(
  engine: ScoringEngine,
  promptTokens: number,
  outputTokens: number,
): Promise<Sampled> {
  const generation = generationFor(8 * promptTokens);
  const prompt = engine.prompt(generation).tokens.slice(0, promptTokens);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const seed = seedNumber(attempt);
    const { tokens } = await engine.generate(
      { generation, prompt: { tokens: prompt }, seed, maxTokens: outputTokens },
      () => undefined,
    );
    if (tokens.length === outputTokens && prompt.length === promptTokens) {
      return { prompt, output: tokens, seed, generation };
    }
  }
  throw new BenchError({
    code: "bench.shortAnswer",
    message: `No answer of ${outputTokens} tokens after ${promptTokens} came in ${ATTEMPTS} attempts`,
    remedy: "Measure shorter answers, or with a model that gives longer ones",
    metadata: { promptTokens, outputTokens },
  });
}
