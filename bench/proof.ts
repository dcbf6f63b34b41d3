import { join } from "node:path";
import { calibrationFor, clopperPearson, FALSE_POSITIVE_RATE } from "@depinfer/proof";
import { openLaboratory } from "../simulation/adversaries/index.ts";
import type { Benchmark, BenchRow } from "./benchmark.ts";
import { projectRoot } from "./measure/machine.ts";
import { significant } from "./measure/statistics.ts";
import { detectionRows, tokensToConviction } from "./proof/detection.ts";
import {
  type AdversaryRun,
  FULL,
  type HonestRun,
  honestPool,
  measureAdversaries,
  QUICK,
  requireCalibration,
  startHonest,
} from "./proof/measure.ts";
import { mixPools, POOLED_ADVERSARIES } from "./proof/pools.ts";
import { createRandom } from "./proof/random.ts";
import { charts, costFigures, page } from "./proof/report.ts";
import type { Transcript } from "./proof/stream.ts";
import { missedFloors } from "./proof/targets.ts";

/*
 * How soon each cheat is caught at the published rate of false positives, and how often honest answers that nothing was
 * fitted to are called a failure. Every answer is generated and scored by the real engine.
 */

/** Of everything that is drawn here; prompts and seeds follow from the names of the tasks. */
const SEED = 20_261_122;
/** A history of cheats that are sparse needs many honest answers. */
const POOL_FACTOR = 4;

export const proof: Benchmark = {
  name: "proof",
  description: "how many tokens each cheat gets away with, and how often honest answers are called a failure",
  async run({ quick, progress, enough }) {
    const extent = quick ? QUICK : FULL;
    const honest = await startHonest(extent, progress);
    enough?.addEventListener("abort", () => honest.enough());
    const laboratory = await openLaboratory({
      slots: extent.concurrency,
      cache: join(projectRoot, "node_modules/.cache/depinfer"),
    });
    try {
      const calibration = requireCalibration(calibrationFor(laboratory.honest.description.classId));
      const runs = await measureAdversaries(laboratory, extent, progress, enough);
      progress("honest answers to mix with cheated ones");
      const pool = await honestPool(laboratory, extent.adversaryTokens * POOL_FACTOR, extent.concurrency);
      const mixed = mixtures(runs, pool);
      const measured = await honest.finish();
      const random = createRandom(SEED);
      const rows = [
        ...[...runs, ...mixed].flatMap(({ adversary, setting, transcripts }) => {
          const soon = tokensToConviction(transcripts, calibration, random);
          return detectionRows(
            { adversary: adversary.name, group: adversary.group, temperature: setting },
            transcripts,
            calibration,
          ).map((row) => ({ ...row, convictedAfter: soon.median, convictedAfterNinth: soon.ninth }));
        }),
        ...honestRows(measured),
      ];
      const { counts } = measured;
      const falsePositives = measured.windows.find(({ size }) => size === 64);
      const summary = {
        honestTokens: counts.tokens,
        honestInformative: counts.informative,
        honestMismatches: counts.mismatches,
        honestMismatchHigh: significant(clopperPearson(counts.mismatches, counts.informative).high),
        falsePositives: falsePositives?.falsePositives ?? null,
        falsePositiveWindows: falsePositives?.windows ?? null,
        falsePositiveHigh: significant(
          clopperPearson(falsePositives?.falsePositives ?? 0, Math.max(1, falsePositives?.windows ?? 0)).high,
        ),
        falsePositiveRate: FALSE_POSITIVE_RATE,
        calibrationMismatchRate: significant(calibration.honestMismatchRate),
        ...costFigures(),
        seed: SEED,
      };
      return {
        rounds: 1,
        rows,
        summary,
        files: { "proof.md": page(rows, summary), ...charts(rows) },
        missed: missedFloors(rows, counts),
      };
    } finally {
      await laboratory.close();
    }
  },
};

/** Providers that cheat now and then, and one that cheats where nobody looks. */
function mixtures(runs: readonly AdversaryRun[], pool: readonly Transcript[]) {
  const random = createRandom(SEED + 1);
  const cheated = runs.find(({ adversary }) => adversary.name === "smaller model");
  return POOLED_ADVERSARIES.map(({ name, share }) => ({
    adversary: { name, group: "sparse" },
    setting: cheated?.setting ?? "mixed",
    transcripts: mixPools(pool, cheated?.transcripts ?? [], share, random),
  }));
}

function honestRows({ windows }: HonestRun): BenchRow[] {
  return windows
    .filter(({ windows: total }) => total > 0)
    .map(({ size, windows: total, falsePositives }) => {
      const { low, high } = clopperPearson(falsePositives, total);
      return {
        adversary: "honest",
        group: "honest",
        temperature: "mixed",
        tokens: size,
        windows: total,
        caught: falsePositives,
        tpr: significant(falsePositives / total),
        tprLow: significant(low),
        tprHigh: significant(high),
      };
    });
}
