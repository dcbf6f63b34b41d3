import { PORTABLE_FAMILY, shippedFamilies } from "@depinfer/inference";
import { honestCountsSchema } from "@depinfer/proof";
import { z } from "zod";
import type { Benchmark, BenchRow } from "./benchmark.ts";
import { type Answer, answerSchema } from "./exactness/answer.ts";
import { significant } from "./measure/statistics.ts";
import { startWorker, type Worker } from "./measure/worker.ts";

/*
 * Which ways to compute give the same bits, and how far the others are apart: within each of the engine's processor
 * libraries that this machine can load, and between them.
 */

const description = z.object({ runtimeClass: z.object({ backend: z.string() }) });
const conditions = z.array(
  z.object({ condition: z.string(), positions: z.number(), differing: z.number(), largestDifference: z.number() }),
);

interface Family {
  readonly name: string;
  readonly worker: Worker;
  readonly answers: readonly Answer[];
}

const QUICK_FAMILIES = [PORTABLE_FAMILY, "sse42"];

export const exactness: Benchmark = {
  name: "exactness",
  description: "which ways to compute agree bit for bit, and how far processor libraries are apart",
  async run({ quick, progress }) {
    const names = shippedFamilies().filter((name) => !quick || QUICK_FAMILIES.includes(name));
    const amount = quick ? { count: 4, length: 24 } : { count: 24, length: 64 };
    const families: Family[] = [];
    const rows: BenchRow[] = [];
    try {
      for (const name of names) {
        progress(`library ${name}: round 1 of 1`);
        const worker = await startWorker(new URL("exactness/family-process.ts", import.meta.url), [name]);
        const loaded = await worker.call("describe", null, description).catch((error: unknown) => error);
        if (loaded instanceof Error) {
          await worker.stop();
          rows.push({ library: name, condition: "cannot be loaded by this processor" });
          continue;
        }
        const answers = await worker.call("generate", amount, z.array(answerSchema));
        families.push({ name, worker, answers });
        const measured = await worker.call("conditions", { ...amount, count: amount.count >> 1 }, conditions);
        rows.push(
          ...measured.map((row) => ({ library: name, ...row, largestDifference: significant(row.largestDifference) })),
        );
      }
      const between = await measureBetween(families, progress);
      return { rounds: 1, rows: [...rows, ...between], summary: summarise(rows, between) };
    } finally {
      await Promise.all(families.map(({ worker }) => worker.stop()));
    }
  },
};

/** Every library's answers, scored by every library. */
async function measureBetween(families: readonly Family[], progress: (text: string) => void): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const provider of families) {
    progress(`answers of ${provider.name}, scored by all`);
    for (const verifier of families) {
      const counts = await verifier.worker.call("score", provider.answers, honestCountsSchema);
      rows.push({
        library: provider.name,
        scoredBy: verifier.name,
        tokens: counts.tokens,
        informative: counts.informative,
        mismatches: counts.mismatches,
        mismatchRate: significant(counts.mismatches / counts.informative),
        meanMargin: significant(counts.marginSum / counts.informative),
      });
    }
  }
  return rows;
}

function summarise(rows: readonly BenchRow[], between: readonly BenchRow[]) {
  const sum = (part: readonly BenchRow[], member: string) =>
    part.reduce((total, row) => total + Number(row[member] ?? 0), 0);
  const own = between.filter(({ library, scoredBy }) => library === scoredBy);
  const others = between.filter(({ library, scoredBy }) => library !== scoredBy);
  const differ = others.filter(({ mismatches }) => Number(mismatches) > 0);
  const portable = rows.filter(({ library }) => library === PORTABLE_FAMILY);
  const paired = portable.filter(({ condition }) => String(condition).includes("pairs of rows"));
  return {
    libraries: own.length,
    tokensWithin: sum(own, "tokens"),
    mismatchesWithin: sum(own, "mismatches"),
    pairsThatAgree: others.length - differ.length,
    pairsThatDiffer: differ.length,
    mismatchRateBetween: differ.length === 0 ? 0 : significant(sum(differ, "mismatches") / sum(differ, "informative")),
    portablePairedPositions: sum(paired, "positions"),
    portablePairedDiffering: sum(paired, "differing"),
  };
}
