import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { LorenzPoint } from "@depinfer/economics";
import type { CampaignJob, SimulatedRun } from "./campaign-worker.ts";
import type { Outcome } from "./outcome.ts";
import type { Scenario } from "./scenario.ts";

/** A figure over many seeds: its mean, and the interval that holds the true mean in 95 of 100 campaigns. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly seeds: number;
}

export interface Campaign {
  readonly scenario: Scenario;
  readonly outcomes: readonly Outcome[];
  /** Hash of every decision of every run: equal campaigns are equal here. */
  readonly trace: string;
  /** Of the first seed. */
  readonly lorenz: readonly LorenzPoint[];
  readonly figures: Readonly<Record<"gini" | "nc50" | "nc33" | "whaleShare" | "overloaded", Estimate | null>>;
}

export interface CampaignOptions {
  /** Seeds 1 to this. */
  readonly seeds: number;
  readonly threads?: number;
  /** Told after each run how many are done. */
  readonly onRun?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

/** Runs each scenario with each seed on worker threads. The result does not depend on how many there are. */
export async function runCampaigns(
  scenarios: readonly Scenario[],
  { seeds, threads = availableParallelism(), onRun, signal }: CampaignOptions,
): Promise<readonly Campaign[]> {
  const jobs: CampaignJob[] = scenarios.flatMap((scenario, index) =>
    Array.from({ length: seeds }, (_, seed) => ({ index, scenario, seed: seed + 1, lorenz: seed === 0 })),
  );
  const runs: SimulatedRun[] = [];
  const waiting = [...jobs];
  await Promise.all(
    Array.from({ length: Math.min(threads, jobs.length) }, async () => {
      const worker = new Worker(new URL("./campaign-worker.ts", import.meta.url));
      try {
        for (let job = waiting.shift(); job !== undefined && signal?.aborted !== true; job = waiting.shift()) {
          runs.push(await runOn(worker, job));
          onRun?.(runs.length, jobs.length);
        }
      } finally {
        await worker.terminate();
      }
    }),
  );
  return scenarios.flatMap((scenario, index) => {
    const mine = runs.filter((run) => run.index === index).sort((a, b) => a.outcome.seed - b.outcome.seed);
    return mine.length === 0 ? [] : [campaignOf(scenario, mine)];
  });
}

function runOn(worker: Worker, job: CampaignJob): Promise<SimulatedRun> {
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", (run: SimulatedRun) => {
      worker.removeListener("error", reject);
      resolve(run);
    });
    worker.postMessage(job);
  });
}

function campaignOf(scenario: Scenario, runs: readonly SimulatedRun[]): Campaign {
  const outcomes = runs.map(({ outcome }) => outcome);
  const whale = outcomes.flatMap(({ whaleShare }) => (whaleShare === null ? [] : [whaleShare]));
  return {
    scenario,
    outcomes,
    trace: outcomes
      .reduce((hash, { trace }) => Math.imul(hash ^ trace, 16_777_619) >>> 0, 2_166_136_261)
      .toString(16)
      .padStart(8, "0"),
    lorenz: runs[0]?.lorenz ?? [],
    figures: {
      gini: estimate(outcomes.map(({ gini }) => gini)),
      nc50: estimate(outcomes.map(({ nc50 }) => nc50)),
      nc33: estimate(outcomes.map(({ nc33 }) => nc33)),
      whaleShare: estimate(whale),
      overloaded: estimate(outcomes.map(({ overloaded }) => overloaded)),
    },
  };
}

/** Two-sided 95 % points of Student's t by degrees of freedom, 1 to 30; 1.96 beyond is close enough. */
const STUDENT = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** Null for no values; without an interval (low = −∞, high = ∞) for one. */
export function estimate(values: readonly number[]): Estimate | null {
  const seeds = values.length;
  if (seeds === 0) {
    return null;
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / seeds;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half =
    seeds === 1 ? Number.POSITIVE_INFINITY : (STUDENT[seeds - 2] ?? 1.96) * Math.sqrt(squares / (seeds - 1) / seeds);
  return { mean, low: mean - half, high: mean + half, seeds };
}
