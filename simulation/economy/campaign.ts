import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { LorenzPoint } from "@depinfer/economics";
import type { CampaignJob, SimulatedRun } from "./campaign-worker.ts";
import { type Estimate, estimate } from "./estimate.ts";
import type { AnyScenario, Run } from "./run.ts";

export interface Campaign {
  readonly scenario: AnyScenario;
  readonly runs: readonly Run[];
  /** Hash of every decision of every run: equal campaigns are equal here. */
  readonly trace: string;
  /** Of the first seed. */
  readonly lorenz: readonly LorenzPoint[];
  /** By name, over the runs that have something to say of it. */
  readonly figures: Readonly<Record<string, Estimate>>;
  /** Of a market over epochs. */
  readonly nc50ByEpoch: readonly { readonly epoch: number; readonly nc50: Estimate }[];
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
  scenarios: readonly AnyScenario[],
  { seeds, threads = availableParallelism(), onRun, signal }: CampaignOptions,
): Promise<readonly Campaign[]> {
  const jobs: CampaignJob[] = scenarios.flatMap((scenario, index) =>
    Array.from({ length: seeds }, (_, seed) => ({ index, scenario, seed: seed + 1 })),
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
    const mine = runs.filter((one) => one.index === index).map(({ run }) => run);
    return mine.length === 0
      ? []
      : [
          campaignOf(
            scenario,
            mine.sort((a, b) => a.seed - b.seed),
          ),
        ];
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

function campaignOf(scenario: AnyScenario, runs: readonly Run[]): Campaign {
  const names = [...new Set(runs.flatMap(({ figures }) => Object.keys(figures)))];
  const epochs = runs[0]?.nc50ByEpoch ?? [];
  return {
    scenario,
    runs,
    trace: hexOf(runs.reduce((hash, { trace }) => mixed(hash, trace), START)),
    lorenz: runs[0]?.lorenz ?? [],
    figures: Object.fromEntries(
      names.flatMap((name) => {
        const found = estimate(runs.flatMap(({ figures }) => figures[name] ?? []));
        return found === null ? [] : [[name, found]];
      }),
    ),
    nc50ByEpoch: epochs.flatMap(({ epoch }, index) => {
      const nc50 = estimate(runs.flatMap((run) => run.nc50ByEpoch[index]?.nc50 ?? []));
      return nc50 === null ? [] : [{ epoch, nc50 }];
    }),
  };
}

/** One hash of several campaigns: whoever runs them again has to get it again. */
export function traceOfAll(campaigns: readonly Campaign[]): number {
  return campaigns.reduce((hash, { trace }) => mixed(hash, Number.parseInt(trace, 16)), START);
}

const START = 2_166_136_261;

function mixed(hash: number, trace: number): number {
  return Math.imul(hash ^ trace, 16_777_619) >>> 0;
}

export function hexOf(trace: number): string {
  return trace.toString(16).padStart(8, "0");
}
