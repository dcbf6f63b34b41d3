import { createLlamaEngine, type EngineDescription, type ScoringEngine } from "@depinfer/inference";
import { MARGIN_OPTIONS, positionMargins, summarise, transcriptRoot } from "@depinfer/proof";
import { encodeMessage, receiptToJson } from "@depinfer/protocol";
import { embeddedModels } from "../apps/cli/src/home.ts";
import { claimFor, signClaim } from "../simulation/adversaries/claim.ts";
import { BenchError } from "./bench-error.ts";
import type { Benchmark, BenchRow } from "./benchmark.ts";
import { createPlainEngine, type PlainEngine, type PlainEngineOptions } from "./engine/plain-engine.ts";
import { type Sampled, sampleTranscript } from "./engine/transcripts.ts";
import { type Cost, costOf } from "./measure/cpu.ts";
import { interleave } from "./measure/interleave.ts";
import { compared, formatSpread, median, type Spread, significant } from "./measure/statistics.ts";

/*
 * What checking an answer costs against making it: one teacher-forced prefill, the margins, the text and the tokens'
 * root, in processor time on one thread. Audits, like answers, may share the engine's steps; a prefill
 * fills its steps by itself, so that sharing helps it less than it helps decoding. The floor is the prefill without any logits. The runtime class
 * pins the rows per micro-batch and the attention kernel; the other combinations show what that costs.
 */

/** Answers that share the engine's steps. */
const TOGETHER = 8;
const LENGTHS = [
  [16, 32],
  [16, 96],
  [96, 32],
  [96, 96],
  [224, 128],
] as const;
const MICRO_BATCHES = [8, 16, 32, 64, 128];
/** Attention kernels differ by more than anything else: the class pins one of them. */
const FLASH_ATTENTION = [true, false];

type Ratios = Awaited<ReturnType<typeof measureLength>>["ratios"];

const cpu = ({ cpuMicros }: Cost) => cpuMicros;

/**
 * Everything in the check of a receipt that grows with the answer: the tokens' root, the text that they show, their
 * scores and margins. An honest answer has to pass: a wrong check is not a cheap one.
 */
async function check(own: ScoringEngine, transcript: Sampled, positions?: readonly number[]): Promise<void> {
  const { prompt, output, seed, generation } = transcript;
  transcriptRoot(output);
  own.text(prompt, output, generation.stop);
  const scored = await own.score(prompt, output, positions);
  const margins = positionMargins(scored, generation.temperature, seed, MARGIN_OPTIONS, positions);
  const { mismatches } = summarise(margins);
  if (mismatches > 0) {
    throw new BenchError({
      code: "bench.honestAnswerFails",
      message: `An honest answer has ${mismatches} mismatches`,
      remedy: "Decode and prefill disagree here; find out why before measuring what the check costs",
      metadata: { mismatches },
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
  const oneInTwo = [...output.keys()].filter((position) => position % 2 === 1);
  const generate = () =>
    own.generate({ generation, prompt: { tokens: prompt }, seed, maxTokens: outputTokens }, () => undefined);
  const oneByOne = (work: () => Promise<unknown>) => () =>
    costOf(async () => {
      for (let answer = 0; answer < TOGETHER; answer++) {
        await work();
      }
    });
  const together = (work: () => Promise<unknown>) => () =>
    costOf(() => Promise.all(Array.from({ length: TOGETHER }, work)));
  const variants = [
    { name: "generate", measure: oneByOne(generate) },
    { name: "generate together", measure: together(generate) },
    { name: "check", measure: oneByOne(() => check(own, transcript)) },
    { name: "check together", measure: together(() => check(own, transcript)) },
    { name: "check one in two", measure: together(() => check(own, transcript, oneInTwo)) },
    { name: "prefill", measure: oneByOne(() => plain.prefill(input)) },
  ];
  await interleave(variants, 1, () => undefined);
  const samples = await interleave(variants, rounds, (text) =>
    progress(`${promptTokens} + ${outputTokens} tokens: ${text}`),
  );
  const over = (name: string, baseline = "generate") => compared(samples.of(name, cpu), samples.of(baseline, cpu));
  const milliseconds = (name: string) => significant(median(samples.of(name, cpu)) / (TOGETHER * 1_000));
  const ratios = {
    aloneOverAlone: over("check"),
    togetherOverAlone: over("check together"),
    togetherOverTogether: over("check together", "generate together"),
    oneInTwoOverAlone: over("check one in two"),
    prefillOverGenerate: over("prefill"),
  };
  return {
    ratios,
    row: {
      promptTokens,
      outputTokens,
      generateMs: milliseconds("generate"),
      generateTogetherMs: milliseconds("generate together"),
      checkMs: milliseconds("check"),
      checkTogetherMs: milliseconds("check together"),
      prefillMs: milliseconds("prefill"),
      ...Object.fromEntries(Object.entries(ratios).map(([name, ratio]) => [name, formatSpread(ratio)])),
    },
  };
}

/** What the proof adds to what an answer takes anyway, in bytes of its JSON on the wire: grows with the answer or not. */
async function proofBytes(own: ScoringEngine) {
  const sizes = [];
  for (const maxTokens of [8, 128]) {
    const ask = { name: `receipt of ${maxTokens}`, temperature: 1, maxTokens } as const;
    const messages = [{ role: "user", content: "Tell me a long story about a brave dragon." }] as const;
    const claim = await claimFor(own, (request, onDelta) => own.generate(request, onDelta), { ...ask, messages });
    sizes.push({ tokens: claim.tokens.length, bytes: encodeMessage(receiptToJson(signClaim(claim))).length });
  }
  const [short, long] = sizes;
  if (short === undefined || long === undefined) {
    return {};
  }
  const perToken = (long.bytes - short.bytes) / (long.tokens - short.tokens);
  return { proofBytesPerToken: significant(perToken), receiptBytes: long.bytes };
}

/** Prefill of one long input with other sizes of micro-batch. */
async function measureBatches(
  modelPath: string,
  { contextLength, runtimeClass }: EngineDescription,
  tokens: readonly number[],
  rounds: number,
  progress: (text: string) => void,
): Promise<BenchRow[]> {
  const engines = new Map<string, PlainEngine>();
  const pinned = batchName(runtimeClass);
  const combinations = FLASH_ATTENTION.flatMap((flashAttention) =>
    MICRO_BATCHES.map((microBatch) => ({ flashAttention, microBatch })),
  );
  try {
    for (const combination of combinations) {
      const plain = await createPlainEngine({ modelPath, contextLength, runtimeClass: combination });
      engines.set(batchName(combination), plain);
    }
    const variants = [...engines].map(([name, plain]) => ({
      name,
      measure: () => costOf(() => plain.prefill(tokens)),
    }));
    await interleave(variants, 1, () => undefined);
    const samples = await interleave(variants, rounds, (text) => progress(`micro-batches: ${text}`));
    return combinations.map((combination) => ({
      ...{ microBatch: combination.microBatch, flashAttention: String(combination.flashAttention) },
      promptTokens: tokens.length,
      prefillMs: significant(median(samples.of(batchName(combination), cpu)) / 1_000),
      prefillOverPinned: formatSpread(compared(samples.of(batchName(combination), cpu), samples.of(pinned, cpu))),
    }));
  } finally {
    await Promise.all([...engines.values()].map((plain) => plain.dispose()));
  }
}

function batchName({ microBatch, flashAttention }: PlainEngineOptions["runtimeClass"]): string {
  return `${microBatch} ${flashAttention}`;
}

export const verify: Benchmark = {
  name: "verify",
  description: "checking an answer against generating it, in processor time, with the prefill alone as the floor",
  async run({ quick, progress }) {
    const rounds = quick ? 2 : 9;
    const modelPath = embeddedModels.tiny;
    const own = await createLlamaEngine({ modelPath, slots: TOGETHER });
    const { description } = own;
    const plain = await createPlainEngine({ modelPath, ...description });
    try {
      const measured: Awaited<ReturnType<typeof measureLength>>[] = [];
      for (const length of quick ? LENGTHS.slice(0, 1) : LENGTHS) {
        measured.push(await measureLength(own, plain, length, rounds, progress));
      }
      const long = Array.from(
        { length: Math.min(256, description.contextLength) - 1 },
        (_, index) => 10 + (index % 200),
      );
      const middle = (ratio: (ratios: Ratios) => Spread) =>
        significant(median(measured.map(({ ratios }) => ratio(ratios).median)));
      const batches = quick ? [] : await measureBatches(modelPath, description, long, rounds, progress);
      return {
        rounds,
        rows: [...measured.map(({ row }) => row), ...batches],
        summary: {
          verifyOverGenerate: middle(({ aloneOverAlone }) => aloneOverAlone),
          verifyTogetherOverGenerate: middle(({ togetherOverAlone }) => togetherOverAlone),
          verifyOverGenerateTogether: middle(({ togetherOverTogether }) => togetherOverTogether),
          verifyOneInTwoOverGenerate: middle(({ oneInTwoOverAlone }) => oneInTwoOverAlone),
          prefillOverGenerate: middle(({ prefillOverGenerate }) => prefillOverGenerate),
          ...(await proofBytes(own)),
        },
      };
    } finally {
      await own.dispose();
      await plain.dispose();
    }
  },
};
