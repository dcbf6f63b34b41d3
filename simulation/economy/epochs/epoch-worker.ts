import { parentPort, workerData } from "node:worker_threads";
import { createBarrier } from "./barrier.ts";
import { stepEpochs } from "./epoch-market.ts";
import type { EpochScenario } from "./epoch-scenario.ts";
import type { EpochState } from "./epoch-state.ts";

/** What a thread is told; the columns are memory that all threads see. */
export interface EpochTask {
  readonly scenario: EpochScenario;
  readonly state: EpochState;
  readonly words: Int32Array;
  readonly threads: number;
  readonly first: number;
  readonly last: number;
}

const { scenario, state, words, threads, first, last }: EpochTask = workerData;
parentPort?.postMessage(stepEpochs(scenario, state, { first, last, meet: createBarrier(words, threads) }));
