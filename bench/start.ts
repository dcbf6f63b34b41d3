import { errorMessage } from "@depinfer/protocol";
import type { Benchmark } from "./benchmark.ts";
import { interleave } from "./measure/interleave.ts";
import { compared, formatSpread, median, significant, spread } from "./measure/statistics.ts";
import { temporaryFolder } from "./measure/temporary-folder.ts";
import { startBareProcesses } from "./start/bare-processes.ts";
import { type NetworkRun, runNetworkOnce } from "./start/network-run.ts";

/*
 * The first five minutes, in seconds: `depinfer up --once` in an empty folder, again in the same folder, and the bare
 * cost of starting that many Node processes with their libraries, which no network of processes can go below.
 */

interface Round {
  readonly first: NetworkRun;
  readonly second: NetworkRun;
}

const FIRST = "first start";
const SECOND = "second start";

/** Starts given up before the benchmark is; on a busy machine two networks may reach for one port. */
const MOST_FAILURES = 3;

async function bothStarts(): Promise<Round> {
  const home = temporaryFolder();
  try {
    return { first: await runNetworkOnce(home.path), second: await runNetworkOnce(home.path) };
  } finally {
    home.remove();
  }
}

export const start: Benchmark = {
  name: "start",
  description: "from launching `depinfer up --once` to an answer, its proof and exit, against starting bare processes",
  async run({ quick, progress }) {
    const rounds = quick ? 1 : 3;
    const networks: Round[] = [];
    let failures = 0;
    const untilStarted = async (): Promise<Round> => {
      for (;;) {
        try {
          return await bothStarts();
        } catch (error) {
          failures += 1;
          if (failures > MOST_FAILURES) {
            throw error;
          }
          progress(`a start failed and is repeated: ${errorMessage(error)}`);
        }
      }
    };
    const samples = await interleave<number>(
      [
        { name: "bare processes", measure: startBareProcesses },
        {
          name: "network",
          async measure() {
            const round = await untilStarted();
            networks.push(round);
            return round.first.verifiedSeconds;
          },
        },
      ],
      rounds,
      progress,
    );
    const bare = samples.of("bare processes", (seconds) => seconds);
    const of = (run: string, figure: (run: NetworkRun) => number) =>
      networks.map(({ first, second }) => figure(run === FIRST ? first : second));
    const milestones = (run: string) => [
      { run, until: "the answer", seconds: formatSpread(spread(of(run, ({ answerSeconds }) => answerSeconds))) },
      { run, until: "its proof", seconds: formatSpread(spread(of(run, ({ verifiedSeconds }) => verifiedSeconds))) },
      { run, until: "exit", seconds: formatSpread(spread(of(run, ({ exitSeconds }) => exitSeconds))) },
      ...[...(networks[0]?.first.steps.keys() ?? [])].map((step) => ({
        run,
        until: `step: ${step}`,
        seconds: formatSpread(spread(of(run, ({ steps }) => steps.get(step) ?? Number.NaN))),
      })),
    ];
    const middle = (run: string, figure: (run: NetworkRun) => number) => significant(median(of(run, figure)));
    return {
      rounds,
      rows: [
        { run: "bare processes", until: "all have ended", seconds: formatSpread(spread(bare)) },
        ...milestones(FIRST),
        ...milestones(SECOND),
      ],
      summary: {
        firstStartSeconds: middle(FIRST, ({ verifiedSeconds }) => verifiedSeconds),
        secondStartSeconds: middle(SECOND, ({ verifiedSeconds }) => verifiedSeconds),
        firstAnswerSeconds: middle(FIRST, ({ answerSeconds }) => answerSeconds),
        secondAnswerSeconds: middle(SECOND, ({ answerSeconds }) => answerSeconds),
        firstExitSeconds: middle(FIRST, ({ exitSeconds }) => exitSeconds),
        secondExitSeconds: middle(SECOND, ({ exitSeconds }) => exitSeconds),
        failedStarts: failures,
        bareProcessesSeconds: significant(median(bare)),
        firstOverBare: significant(
          compared(
            of(FIRST, ({ verifiedSeconds }) => verifiedSeconds),
            bare,
          ).median,
        ),
      },
    };
  },
};
