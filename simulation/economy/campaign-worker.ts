import { parentPort } from "node:worker_threads";
import { type LorenzPoint, lorenzCurve } from "@depinfer/economics";
import { type Outcome, simulateJobs } from "./outcome.ts";
import type { Scenario } from "./scenario.ts";

/** One run of one scenario. */
export interface CampaignJob {
  /** Which of the campaign's scenarios. */
  readonly index: number;
  readonly scenario: Scenario;
  readonly seed: number;
  /** Whether its Lorenz curve is wanted. */
  readonly lorenz: boolean;
}

export interface SimulatedRun {
  readonly index: number;
  readonly outcome: Outcome;
  readonly lorenz: readonly LorenzPoint[];
}

parentPort?.on("message", ({ index, scenario, seed, lorenz }: CampaignJob) => {
  const { outcome, jobs } = simulateJobs(scenario, seed);
  const run: SimulatedRun = { index, outcome, lorenz: lorenz ? (lorenzCurve(jobs) ?? []) : [] };
  parentPort?.postMessage(run);
});
