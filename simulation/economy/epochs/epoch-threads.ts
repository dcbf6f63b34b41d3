import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { EpochOutcome } from "./epoch-market.ts";
import type { EpochScenario } from "./epoch-scenario.ts";
import { createEpochState } from "./epoch-state.ts";
import type { EpochTask } from "./epoch-worker.ts";

/**
 * Runs one market on several threads. The outcome is that of `runEpochs` to the bit, however many there are: blocks keep
 * their random numbers, and sums are added in the blocks' order.
 */
export async function runEpochsOnThreads(
  scenario: EpochScenario,
  seed: number,
  threads = availableParallelism(),
): Promise<EpochOutcome> {
  const state = createEpochState(scenario, seed, true);
  const words = new Int32Array(new SharedArrayBuffer(8));
  const count = Math.max(1, Math.min(threads, state.blocks));
  const workers = Array.from({ length: count }, (_, thread) => {
    const task: EpochTask = {
      scenario,
      state,
      words,
      threads: count,
      first: Math.floor((thread * state.blocks) / count),
      last: Math.floor(((thread + 1) * state.blocks) / count),
    };
    return new Worker(new URL("./epoch-worker.ts", import.meta.url), { workerData: task });
  });
  try {
    const outcomes = await Promise.all(workers.map(outcomeOf));
    const [first] = outcomes;
    if (first === undefined) {
      throw new RangeError("a market was run on no thread");
    }
    return first;
  } finally {
    // One that failed would leave the others waiting for it.
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function outcomeOf(worker: Worker): Promise<EpochOutcome> {
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", resolve);
  });
}
