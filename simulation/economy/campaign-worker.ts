import { parentPort } from "node:worker_threads";
import { type AnyScenario, type Run, runScenario } from "./run.ts";

/** One run of one scenario. */
export interface CampaignJob {
  /** Which of the campaign's scenarios. */
  readonly index: number;
  readonly scenario: AnyScenario;
  readonly seed: number;
}

export interface SimulatedRun {
  readonly index: number;
  readonly run: Run;
}

parentPort?.on("message", ({ index, scenario, seed }: CampaignJob) => {
  const simulated: SimulatedRun = { index, run: runScenario(scenario, seed) };
  parentPort?.postMessage(simulated);
});
