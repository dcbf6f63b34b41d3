import { createLlamaEngine } from "@depinfer/inference";
import { embeddedModels } from "../apps/cli/src/home.ts";
import type { Benchmark } from "./benchmark.ts";
import { createPlainEngine } from "./engine/plain-engine.ts";
import { sampleTranscript, TEMPERATURE } from "./engine/transcripts.ts";
import { type Cost, costOf } from "./measure/cpu.ts";
import { interleave, type Samples } from "./measure/interleave.ts";
import { compared, formatSpread, median, significant } from "./measure/statistics.ts";

/*
 * What seeded sampling costs a provider: our engine against llama.cpp's own sampler, which does not tell logits, with
 * the same weights, options, prompts and numbers of tokens. Two things differ: who draws, and that a class in which
 * decode and prefill agree evaluates pairs of rows. llama.cpp's sampler in pairs of rows tells them apart. Greedy
 * decoding by llama.cpp is the floor.
 */

interface Length {
  readonly promptTokens: number;
  readonly outputTokens: number;
}

interface Measured {
  readonly length: Length;
  readonly samples: Samples<Cost>;
  /** Tokens of all answers of a round. */
  readonly tokens: number;
}

const LENGTHS: readonly Length[] = [
  { promptTokens: 16, outputTokens: 48 },
  { promptTokens: 64, outputTokens: 64 },
  { promptTokens: 128, outputTokens: 96 },
];

const OURS = "seeded sampler";
const THEIRS = "llama.cpp sampler";
const PAIRED = "llama.cpp sampler, pairs of rows";
const FLOOR = "llama.cpp greedy";

export const engine: Benchmark = {
  name: "engine",
  description: "tokens per second with the seeded sampler, against llama.cpp's own sampler and against none",
  async run({ quick, progress }) {
    const rounds = quick ? 2 : 9;
    const answers = quick ? 2 : 6;
    const modelPath = embeddedModels.tiny;
    const own = await createLlamaEngine({ modelPath });
    const plain = await createPlainEngine({ modelPath, ...own.description });
    try {
      const results: Measured[] = [];
      for (const length of quick ? LENGTHS.slice(0, 1) : LENGTHS) {
        const { promptTokens, outputTokens } = length;
        const { prompt, seed, generation } = await sampleTranscript(own, promptTokens, outputTokens);
        const repeated = (work: (index: number) => Promise<unknown>) => (): Promise<Cost> =>
          costOf(async () => {
            for (let index = 0; index < answers; index++) {
              await work(index);
            }
          });
        const variants = [
          {
            name: OURS,
            measure: repeated(() =>
              own.generate({ generation, prompt: { tokens: prompt }, seed, maxTokens: outputTokens }, () => undefined),
            ),
          },
          {
            name: THEIRS,
            measure: repeated((index) =>
              plain.generate(prompt, outputTokens, { temperature: TEMPERATURE, topK: 64, seed: index + 1 }),
            ),
          },
          {
            name: PAIRED,
            measure: repeated((index) =>
              plain.generateInPairs(prompt, outputTokens, { temperature: TEMPERATURE, topK: 64, seed: index + 1 }),
            ),
          },
          {
            name: FLOOR,
            measure: repeated(() => plain.generate(prompt, outputTokens, { temperature: 0, topK: 0, seed: 0 })),
          },
        ];
        await interleave(variants, 1, () => undefined);
        const samples = await interleave(variants, rounds, (text) =>
          progress(`${promptTokens} + ${outputTokens} tokens: ${text}`),
        );
        results.push({ length, samples, tokens: answers * outputTokens });
      }
      const wall = ({ wallMicros }: Cost) => wallMicros;
      const cpu = ({ cpuMicros }: Cost) => cpuMicros;
      const rows = results.flatMap(({ length, samples, tokens }) =>
        [OURS, THEIRS, PAIRED, FLOOR].map((sampler) => ({
          ...length,
          sampler,
          tokensPerSecond: significant((tokens * 1e6) / median(samples.of(sampler, wall))),
          cpuMicrosPerToken: significant(median(samples.of(sampler, cpu)) / tokens),
          cpuOverLlamaSampler: formatSpread(compared(samples.of(sampler, cpu), samples.of(THEIRS, cpu))),
          timeOverLlamaSampler: formatSpread(compared(samples.of(sampler, wall), samples.of(THEIRS, wall))),
        })),
      );
      // All lengths together, each round of each length counting once.
      const perToken = (sampler: string, figure: (cost: Cost) => number) =>
        results.flatMap(({ samples, tokens }) => samples.of(sampler, figure).map((micros) => micros / tokens));
      const over = (figure: (cost: Cost) => number, baseline: string) =>
        significant(compared(perToken(OURS, figure), perToken(baseline, figure)).median - 1);
      return {
        rounds,
        rows,
        summary: {
          samplerOverhead: over(cpu, PAIRED),
          samplerOverheadWall: over(wall, PAIRED),
          samplerAndPairsOverhead: over(cpu, THEIRS),
          samplerOverGreedy: over(cpu, FLOOR),
          ownTokensPerSecond: significant(1e6 / median(perToken(OURS, wall))),
          engineTokensPerSecond: significant(1e6 / median(perToken(THEIRS, wall))),
          greedyTokensPerSecond: significant(1e6 / median(perToken(FLOOR, wall))),
          ownCpuMicrosPerToken: significant(median(perToken(OURS, cpu))),
          engineCpuMicrosPerToken: significant(median(perToken(THEIRS, cpu))),
        },
      };
    } finally {
      await own.dispose();
      await plain.dispose();
    }
  },
};
