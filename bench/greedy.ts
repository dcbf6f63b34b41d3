import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createLlamaEngine, type LlamaEngineOptions, type ScoringEngine } from "@depinfer/inference";
import { GREEDY_CALIBRATION, greedyStatistic, judgeGreedy, type ScoredPosition, screenLogprobs } from "@depinfer/proof";
import type { Generation } from "@depinfer/protocol";
import { z } from "zod";
import { embeddedModels } from "../apps/cli/src/home.ts";
import type { Benchmark, BenchRow } from "./benchmark.ts";
import { promptsOf } from "./greedy/prompts.ts";

/*
 * What tells engines apart that do not use our sampler. Each variant answers the same prompts at temperature 0; the
 * reference, our engine with the same weights, finds how far each token lies behind its own best. Honest variants have
 * the same weights and other arithmetic, cheats have other weights.
 */

const VARIANTS: readonly (LlamaEngineOptions & { readonly name: string; readonly honest: boolean })[] = [
  { name: "same class", honest: true, modelPath: embeddedModels.tiny },
  { name: "flash attention", honest: true, modelPath: embeddedModels.tiny, flashAttention: true },
  { name: "processor's own library", honest: true, modelPath: embeddedModels.tiny, cpuLibrary: "native" },
  { name: "q8_0 keys", honest: true, modelPath: embeddedModels.tiny, keyCache: "q8_0" },
  { name: "q4_0 keys", honest: false, modelPath: embeddedModels.tiny, keyCache: "q4_0" },
  { name: "q4_k_m weights", honest: false, modelPath: embeddedModels.tinyLowPrecision },
  { name: "smaller model", honest: false, modelPath: embeddedModels.nano },
];
const TOLERANCES = [0, 0.02, 0.05, 0.1, 0.25, 0.5];
/** Tokens that are judged together, as one long answer would be. */
const BLOCK = 512;
const PROMPTS = 80;

const answerList = z.object({
  backend: z.string(),
  answers: z.array(z.object({ tokens: z.array(z.number()), logprobs: z.array(z.number()) })),
});

interface Scored {
  /** By the reference. */
  readonly found: readonly ScoredPosition[];
  /** Nats between the values that the variant gives its tokens and those that the reference finds. */
  readonly logprobDifference: number;
}

async function answersOf(options: LlamaEngineOptions, count: number) {
  const child = fileURLToPath(new URL("./greedy/answer-process.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=source", child, JSON.stringify({ ...options, count })],
    { maxBuffer: 1 << 26 },
  );
  return answerList.parse(JSON.parse(stdout));
}

async function scoredBy(
  reference: ScoringEngine,
  prompts: readonly Generation[],
  answers: z.output<typeof answerList>["answers"],
): Promise<Scored[]> {
  const scored: Scored[] = [];
  for (const [index, { tokens, logprobs }] of answers.entries()) {
    const generation = prompts[index];
    const found = generation === undefined ? [] : await reference.score(reference.prompt(generation).tokens, tokens);
    scored.push({ found, logprobDifference: screenLogprobs(logprobs, found).meanDifference });
  }
  return scored;
}

function rowOf(name: string, honest: boolean, scored: readonly Scored[]): BenchRow {
  const positions = scored.flatMap(({ found }) => found);
  const behind = positions.map(({ logits, chosenLogit }) => Math.max(0, (logits[0] ?? chosenLogit) - chosenLogit));
  const { informative } = greedyStatistic(positions, { ...GREEDY_CALIBRATION, tolerance: 0 });
  const shares = TOLERANCES.map((tolerance) => [
    `behind${tolerance}`,
    Number((behind.filter((distance) => distance > tolerance).length / informative).toFixed(5)),
  ]);
  const blocks = Array.from({ length: Math.floor(positions.length / BLOCK) }, (_, index) =>
    judgeGreedy(
      greedyStatistic(positions.slice(index * BLOCK, (index + 1) * BLOCK), GREEDY_CALIBRATION),
      GREEDY_CALIBRATION,
    ),
  );
  const share = (verdict: string) => blocks.filter((block) => block.verdict === verdict).length;
  return {
    variant: name,
    honest: String(honest),
    tokens: positions.length,
    informative,
    ...Object.fromEntries(shares),
    farthest: Number(Math.max(...behind).toFixed(3)),
    logprobDifference: Number(
      (scored.reduce((sum, { logprobDifference }) => sum + logprobDifference, 0) / scored.length).toFixed(4),
    ),
    [`of${BLOCK}TokensPass`]: share("pass"),
    inconclusive: share("inconclusive"),
    fail: share("fail"),
  };
}

export const greedy: Benchmark = {
  name: "greedy",
  description: "tokens out of tolerance at temperature 0, for other arithmetic and for other weights",
  async run({ quick, progress }) {
    const prompts = promptsOf(quick ? 4 : PROMPTS);
    const reference = await createLlamaEngine({ modelPath: embeddedModels.tiny });
    const rows: BenchRow[] = [];
    try {
      for (const { name, honest, ...options } of VARIANTS) {
        progress(name);
        const { backend, answers } = await answersOf(options, prompts.length);
        rows.push(rowOf(`${name} (${backend})`, honest, await scoredBy(reference, prompts, answers)));
      }
    } finally {
      await reference.dispose();
    }
    const column = `behind${GREEDY_CALIBRATION.tolerance}`;
    const rates = (wanted: string) =>
      rows.filter(({ honest }) => honest === wanted).map((row) => Number(row[column] ?? 0));
    return {
      rounds: 1,
      rows,
      summary: { worstHonestRate: Math.max(...rates("true")), weakestCheatRate: Math.min(...rates("false")) },
    };
  },
};
