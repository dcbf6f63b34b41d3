import type { Benchmark, BenchRow } from "./benchmark.ts";
import { interleave, type Samples } from "./measure/interleave.ts";
import { compared, formatSpread, median, significant } from "./measure/statistics.ts";
import { startWorker } from "./measure/worker.ts";
import type { Mode } from "./path/answer-script.ts";
import { startMarket } from "./path/market.ts";
import { gatewayTarget, type PathSample, sampleTarget, startGateways } from "./path/targets.ts";

/*
 * The gateway alone: its processor time, and what it adds. Ours stands before a provider of a market with payments,
 * receipts, journals and a chain, which share the machine with it; one bare hop and Portkey's gateway stand before an origin
 * that answers with bytes made beforehand.
 */

interface Scenario {
  readonly mode: Mode;
  readonly clients: number;
}

const FULL: readonly Scenario[] = (["json", "sse"] as const).flatMap((mode) =>
  [1, 32, 128].map((clients) => ({ mode, clients })),
);
const QUICK: readonly Scenario[] = [
  { mode: "json", clients: 1 },
  { mode: "json", clients: 32 },
];
const TARGETS = ["depinfer", "one hop", "portkey", "origin"] as const;

interface Measured extends Scenario {
  readonly samples: Samples<PathSample>;
}

function rowsOf({ mode, clients, samples }: Measured): BenchRow[] {
  return TARGETS.map((target) => {
    const of = (figure: (sample: PathSample) => number) => samples.of(target, figure);
    const middle = (figure: (sample: PathSample) => number) => significant(median(of(figure)));
    const over = compared(
      samples.of("depinfer", ({ cpuMicros }) => cpuMicros),
      of(({ cpuMicros }) => cpuMicros),
    );
    return {
      mode,
      clients,
      target,
      gatewayCpuMicros: middle(({ cpuMicros }) => cpuMicros),
      p50Ms: middle(({ p50Ms }) => p50Ms),
      p99Ms: middle(({ p99Ms }) => p99Ms),
      ttfbP50Ms: middle(({ ttfbP50Ms }) => ttfbP50Ms),
      perSecond: middle(({ perSecond }) => perSecond),
      failed: of(({ failed }) => failed).reduce((sum, failed) => sum + failed, 0),
      oursOverThisCpu: target === "depinfer" ? null : formatSpread(over),
    };
  });
}

type Figure = (sample: PathSample) => number;
const cpu: Figure = ({ cpuMicros }) => cpuMicros;
const p50: Figure = ({ p50Ms }) => p50Ms;
const ttfb: Figure = ({ ttfbP50Ms }) => ttfbP50Ms;
const rate: Figure = ({ perSecond }) => perSecond;

function summaryOf(measured: readonly Measured[]): Readonly<Record<string, number | null>> {
  const at = (mode: Mode, clients: number) =>
    measured.find((one) => one.mode === mode && one.clients === clients)?.samples;
  const ratio = (samples: Samples<PathSample> | undefined, target: string, figure: Figure) =>
    samples === undefined
      ? null
      : significant(compared(samples.of("depinfer", figure), samples.of(target, figure)).median);
  /** What ours adds to the origin's time, over what the other one adds. */
  const added = (samples: Samples<PathSample> | undefined, target: string, figure: Figure) => {
    if (samples === undefined) {
      return null;
    }
    const over = (name: string) =>
      median(samples.of(name, figure).map((value, round) => value - (samples.of("origin", figure)[round] ?? 0)));
    return significant(over("depinfer") / over(target));
  };
  const [one, many, stream, streams] = [at("json", 1), at("json", 32), at("sse", 1), at("sse", 32)];
  return {
    cpuOverRaw: ratio(many, "one hop", cpu),
    cpuOverPortkey: ratio(many, "portkey", cpu),
    streamCpuOverRaw: ratio(streams, "one hop", cpu),
    streamCpuOverPortkey: ratio(streams, "portkey", cpu),
    addedP50OverPortkey: added(one, "portkey", p50),
    addedTtfbOverPortkey: added(stream, "portkey", ttfb),
    throughputOverRaw: ratio(many, "one hop", rate),
    throughputOverPortkey: ratio(many, "portkey", rate),
    streamThroughputOverRaw: ratio(streams, "one hop", rate),
    streamThroughputOverPortkey: ratio(streams, "portkey", rate),
    failedRequests: measured
      .flatMap(({ samples }) => samples.of("depinfer", ({ failed }) => failed))
      .reduce((sum, failed) => sum + failed, 0),
  };
}

export const gateway: Benchmark = {
  name: "gateway",
  description: "the gateway's own cost, against a bare Node hop and Portkey's gateway",
  async run({ quick, progress }) {
    const rounds = quick ? 1 : 7;
    const seconds = quick ? 0.5 : 2;
    const stops: (() => Promise<void>)[] = [];
    try {
      const market = await startMarket(progress);
      stops.push(market.stop);
      const others = await startGateways();
      stops.push(others.stop);
      const generator = await startWorker(new URL("./path/load-process.ts", import.meta.url));
      stops.push(generator.stop);
      const targets = [gatewayTarget(market), ...others.targets];
      progress("warming up with thousands of requests");
      for (const target of targets) {
        for (const mode of ["json", "sse"] as const) {
          await sampleTarget(generator, target, { mode, clients: quick ? 4 : 32, seconds: quick ? 0.5 : 6 });
        }
      }
      const measured: Measured[] = [];
      for (const { mode, clients } of quick ? QUICK : FULL) {
        const variants = targets.map((target) => ({
          name: target.name,
          measure: () => sampleTarget(generator, target, { mode, clients, seconds }),
        }));
        const samples = await interleave(variants, rounds, (text) => progress(`${mode}, ${clients} clients: ${text}`));
        measured.push({ mode, clients, samples });
      }
      return { rounds, rows: measured.flatMap(rowsOf), summary: summaryOf(measured) };
    } finally {
      for (const stop of stops.reverse()) {
        await stop();
      }
    }
  },
};
