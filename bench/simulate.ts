import { type EpochScenario, parseEpochScenario } from "../simulation/economy/epochs/epoch-scenario.ts";
import { runEpochsOnThreads } from "../simulation/economy/epochs/epoch-threads.ts";
import { BenchError } from "./bench-error.ts";
import type { Benchmark } from "./benchmark.ts";
import { interleave, type Variant } from "./measure/interleave.ts";
import { compared, formatSpread, median, significant } from "./measure/statistics.ts";
import { runPlainEpochs } from "./simulate/plain-epochs.ts";

/** A run of a million agents over a thousand epochs has to be done in so many seconds on two cores. */
const GOAL_SECONDS = 8;
const EPOCHS = 1_000;

interface Sample {
  readonly seconds: number;
  readonly trace: number;
}

/** @param epochs of one run, by which its time is divided. */
function variant(name: string, epochs: number, run: () => Promise<number>): Variant<Sample> & { epochs: number } {
  return {
    name,
    epochs,
    async measure() {
      const started = performance.now();
      const trace = await run();
      return { seconds: (performance.now() - started) / 1000, trace };
    },
  };
}

function scenarioOf(agents: number, epochs: number): EpochScenario {
  // Looked at once: sorting a million agents takes as long as twenty epochs.
  return parseEpochScenario({
    name: `${agents} agents`,
    market: "epochs",
    agents,
    epochs,
    whaleShare: 0.3,
    samples: 1,
  });
}

export const simulate: Benchmark = {
  name: "simulate",
  description: "a market of 10,000 to 1,000,000 agents over 1,000 epochs, on one and two threads, against plain loops",
  async run({ quick, progress }) {
    const sizes = quick ? [10_000, 30_000] : [10_000, 100_000, 1_000_000];
    const epochs = quick ? 50 : EPOCHS;
    // Plain loops take minutes for all of them, and every epoch costs as much as any other.
    const fewer = epochs / 10;
    const rows = [];
    const goal: { seconds: number; faster: number } = { seconds: Number.NaN, faster: Number.NaN };
    for (const agents of sizes) {
      const scenario = scenarioOf(agents, epochs);
      // The longest run is its own warm-up; rounds of it take half a minute.
      const rounds = quick ? 1 : agents >= 1_000_000 ? 3 : 5;
      const variants = [
        variant("two threads", epochs, async () => (await runEpochsOnThreads(scenario, 1, 2)).trace),
        variant("one thread", epochs, async () => (await runEpochsOnThreads(scenario, 1, 1)).trace),
        variant("plain", fewer, async () => runPlainEpochs(scenarioOf(agents, fewer), 1)),
      ];
      const samples = await interleave(variants, rounds, (text) => progress(`${agents} agents, ${text}`));
      checkTraces(agents, [...samples.all("two threads"), ...samples.all("one thread")]);
      const seconds = (name: string) => samples.of(name, (sample) => sample.seconds);
      const plain = seconds("plain").map((value) => value / fewer);
      for (const { name, epochs: done } of variants) {
        const own = seconds(name);
        const faster = compared(
          plain,
          own.map((value) => value / done),
        );
        rows.push({
          agents,
          epochs: done,
          variant: name,
          seconds: significant(median(own)),
          nsPerAgentEpoch: significant((median(own) * 1e9) / (agents * done)),
          timesFaster: formatSpread(faster),
        });
        if (name === "two threads") {
          Object.assign(goal, { seconds: median(own), faster: faster.median });
        }
      }
    }
    return {
      rounds: quick ? 1 : 3,
      rows,
      summary: {
        agents: sizes.at(-1) ?? 0,
        epochs,
        seconds: significant(goal.seconds),
        goalSeconds: quick ? null : GOAL_SECONDS,
        timesFasterThanPlain: significant(goal.faster),
      },
      missed:
        quick || goal.seconds <= GOAL_SECONDS
          ? []
          : [`a million agents over a thousand epochs took ${significant(goal.seconds)} s, not ${GOAL_SECONDS}`],
    };
  },
};

/** Threads must not change what is computed. */
function checkTraces(agents: number, samples: readonly Sample[]): void {
  if (new Set(samples.map(({ trace }) => trace)).size !== 1) {
    throw new BenchError({
      code: "bench.differentTraces",
      message: `${agents} agents went different ways on one thread and on two`,
      remedy: "Find what depends on the number of threads in simulation/economy/epochs",
    });
  }
}
