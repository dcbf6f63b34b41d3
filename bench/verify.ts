import { createLlamaEngine, type ScoringEngine } from "@depinfer/inference";
import { BIT_EXACT_CALIBRATION, marginStatistic } from "@depinfer/proof";
import { embeddedModels } from "../apps/cli/src/home.ts";
import { BenchError } from "./bench-error.ts";
import type { Benchmark, BenchRow } from "./benchmark.ts";
import { createPlainEngine, type PlainEngine } from "./engine/plain-engine.ts";
import { type Sampled, sampleTranscript } from "./engine/transcripts.ts";
import { type Cost, costOf } from "./measure/cpu.ts";
import { interleave } from "./measure/interleave.ts";
import { compared, formatSpread, median, significant } from "./measure/statistics.ts";

/*
 * What checking an answer costs against making it: one teacher-forced prefill and the margins, in processor time on one
 * thread. The floor is the prefill without any logits. Rows per micro-batch are fixed at 32 by the runtime class; other
 * sizes show what that costs.
 */

const LENGTHS = [
  [16, 32],
  [16, 96],
  [96, 32],
  [96, 96],
  [224, 128],
] as const;
const MICRO_BATCHES = [8, 16, 32, 64, 128];

const cpu = ({ cpuMicros }: Cost) => cpuMicros;

/** Scores and judges a transcript, and checks that the honest answer passes: a wrong check is not a cheap one. */
async function score(own: ScoringEngine, { prompt, output, seed, generation }: Sampled): Promise<void> {
  const scored = await own.score(prompt, output);
  const { meanMargin } = marginStatistic(scored, generation.temperature, seed, BIT_EXACT_CALIBRATION);
  if (meanMargin > BIT_EXACT_CALIBRATION.meanMargin) {
    throw new BenchError({
      code: "bench.honestAnswerFails",
      message: `An honest answer has a mean margin of ${meanMargin} nats`,
      remedy: "Decode and prefill disagree here; find out why before measuring what the check costs",
      metadata: { meanMargin },
    });
  }
}

async function measureLength(
  own: ScoringEngine,
  plain: PlainEngine,
  [promptTokens, outputTokens]: readonly [number, number],
  rounds: number,
  progress: (text: string) => void,
) {
  const transcript = await sampleTranscript(own, promptTokens, outputTokens);
  const { prompt, output, seed, generation } = transcript;
  const input = [...prompt, ...output.slice(0, -1)];
  const repeated = (work: () => Promise<unknown>) => () =>
    costOf(async () => {
      for (let repeat = 0; repeat < 3; repeat++) {
        await work();
      }
    });
  const variants = [
    {
      name: "generate",
      measure: repeated(() =>
        own.generate({ generation, prompt: { tokens: prompt }, seed, maxTokens: outputTokens }, () => undefined),
      ),
    },
    { name: "score", measure: repeated(() => score(own, transcript)) },
    { name: "prefill", measure: repeated(() => plain.prefill(input)) },
  ];
  await interleave(variants, 1, () => undefined);
  const samples = await interleave(variants, rounds, (text) =>
    progress(`${promptTokens} + ${outputTokens} tokens: ${text}`),
  );
  const over = (name: string) => compared(samples.of(name, cpu), samples.of("generate", cpu));
  const milliseconds = (name: string) => significant(median(samples.of(name, cpu)) / 3_000);
  return {
    verifyOverGenerate: over("score"),
    prefillOverGenerate: over("prefill"),
    row: {
      promptTokens,
      outputTokens,
      generateMs: milliseconds("generate"),
      scoreMs: milliseconds("score"),
      prefillMs: milliseconds("prefill"),
      verifyOverGenerate: formatSpread(over("score")),
      prefillOverGenerate: formatSpread(over("prefill")),
    },
  };
}

/** Prefill of one long input with other sizes of micro-batch. */
async function measureBatches(
  modelPath: string,
  contextLength: number,
  tokens: readonly number[],
  rounds: number,
  progress: (text: string) => void,
): Promise<BenchRow[]> {
  const engines = new Map<number, PlainEngine>();
  try {
    for (const microBatch of MICRO_BATCHES) {
      engines.set(microBatch, await createPlainEngine({ modelPath, contextLength, microBatch }));
    }
    const variants = [...engines].map(([microBatch, plain]) => ({
      name: String(microBatch),
      measure: () => costOf(() => plain.prefill(tokens)),
    }));
    await interleave(variants, 1, () => undefined);
    const samples = await interleave(variants, rounds, (text) => progress(`micro-batches: ${text}`));
    return MICRO_BATCHES.map((microBatch) => ({
      microBatch,
      promptTokens: tokens.length,
      prefillMs: significant(median(samples.of(String(microBatch), cpu)) / 1_000),
      prefillOver32: formatSpread(compared(samples.of(String(microBatch), cpu), samples.of("32", cpu))),
    }));
  } finally {
    await Promise.all([...engines.values()].map((plain) => plain.dispose()));
  }
}

export const verify: Benchmark = {
  name: "verify",
  description: "checking an answer against generating it, in processor time, with the prefill alone as the floor",
  async run({ quick, progress }) {
    const rounds = quick ? 2 : 9;
    const modelPath = embeddedModels.tiny;
    const own = await createLlamaEngine({ modelPath });
    const { contextLength } = own.description;
    const plain = await createPlainEngine({ modelPath, contextLength });
    try {
      const measured = [];
      for (const length of quick ? LENGTHS.slice(0, 1) : LENGTHS) {
        measured.push(await measureLength(own, plain, length, rounds, progress));
      }
      const long = Array.from({ length: Math.min(256, contextLength) - 1 }, (_, index) => 10 + (index % 200));
      const batches = quick ? [] : await measureBatches(modelPath, contextLength, long, rounds, progress);
      return {
        rounds,
        rows: [...measured.map(({ row }) => row), ...batches],
        summary: {
          verifyOverGenerate: significant(median(measured.map((one) => one.verifyOverGenerate.median))),
          prefillOverGenerate: significant(median(measured.map((one) => one.prefillOverGenerate.median))),
        },
      };
    } finally {
      await own.dispose();
      await plain.dispose();
    }
  },
};
