import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Benchmark, BenchRow } from "./benchmark.ts";
import { interleave, type Samples } from "./measure/interleave.ts";
import { compared, formatSpread, median, significant } from "./measure/statistics.ts";
import { temporaryFolder } from "./measure/temporary-folder.ts";
import { startWorker } from "./measure/worker.ts";
import type { Mode } from "./path/answer-script.ts";
import { startMarket } from "./path/market.ts";
import { marketTarget, type PathSample, sampleTarget, startHops } from "./path/targets.ts";

/*
 * The price of the way: gateway and provider are real processes with real payments, receipts, journals and a chain,
 * and only the engine costs nothing. Two bare Node hops are the least that any gateway with a node behind it can cost;
 * the origin alone is what latencies are counted from.
 *
 * DEPINFER_BENCH_PROFILE=folder makes every process write a V8 processor profile there.
 */

interface Scenario {
  readonly mode: Mode;
  readonly clients: number;
}

const FULL: readonly Scenario[] = [
  { mode: "json", clients: 1 },
  { mode: "json", clients: 16 },
  { mode: "json", clients: 64 },
  { mode: "sse", clients: 1 },
  { mode: "sse", clients: 16 },
  { mode: "sse", clients: 64 },
  { mode: "burst", clients: 16 },
];
const QUICK: readonly Scenario[] = [
  { mode: "json", clients: 1 },
  { mode: "json", clients: 16 },
  { mode: "sse", clients: 1 },
];

interface Measured extends Scenario {
  readonly samples: Samples<PathSample>;
}

function rowsOf({ mode, clients, samples }: Measured): BenchRow[] {
  const ours = (figure: (sample: PathSample) => number) => samples.of("depinfer", figure);
  return ["depinfer", "two hops", "origin"].map((target) => {
    const of = (figure: (sample: PathSample) => number) => samples.of(target, figure);
    const middle = (figure: (sample: PathSample) => number) => significant(median(of(figure)));
    return {
      mode,
      clients,
      target,
      cpuMicros: middle(({ cpuMicros }) => cpuMicros),
      p50Ms: middle(({ p50Ms }) => p50Ms),
      p99Ms: middle(({ p99Ms }) => p99Ms),
      ttfbP50Ms: middle(({ ttfbP50Ms }) => ttfbP50Ms),
      perSecond: middle(({ perSecond }) => perSecond),
      failed: of(({ failed }) => failed).reduce((sum, failed) => sum + failed, 0),
      oursOverThisCpu:
        target === "depinfer"
          ? null
          : formatSpread(
              compared(
                ours(({ cpuMicros }) => cpuMicros),
                of(({ cpuMicros }) => cpuMicros),
              ),
            ),
    };
  });
}

/** Median over the rounds of what a target takes longer than the origin alone. */
function added(samples: Samples<PathSample>, target: string, figure: (sample: PathSample) => number): number {
  return significant(compared(samples.of(target, figure), samples.of("origin", figure), (a, b) => a - b).median);
}

function summaryOf(measured: readonly Measured[], diskSyncMs: number): Readonly<Record<string, number | null>> {
  const at = (mode: Mode, clients: number) =>
    measured.find((one) => one.mode === mode && one.clients === clients)?.samples;
  const cpu = (samples: Samples<PathSample> | undefined, target: string) =>
    samples === undefined ? null : significant(median(samples.of(target, ({ cpuMicros }) => cpuMicros)));
  const [single, stream, busy, busyStream] = [at("json", 1), at("sse", 1), at("json", 16), at("sse", 16)];
  const ttfb = ({ ttfbP50Ms }: PathSample) => ttfbP50Ms;
  const p50 = ({ p50Ms }: PathSample) => p50Ms;
  const rate = ({ perSecond }: PathSample) => perSecond;
  return {
    cpuMicrosPerRequest: cpu(busy, "depinfer"),
    twoHopsCpuMicros: cpu(busy, "two hops"),
    addedTtfbP50Ms: stream === undefined ? null : added(stream, "depinfer", ttfb),
    addedP50Ms: single === undefined ? null : added(single, "depinfer", p50),
    throughputOverTwoHops:
      busy === undefined ? null : significant(compared(busy.of("depinfer", rate), busy.of("two hops", rate)).median),
    streamThroughputOverTwoHops:
      busyStream === undefined
        ? null
        : significant(compared(busyStream.of("depinfer", rate), busyStream.of("two hops", rate)).median),
    streamCpuMicrosPerRequest: cpu(busyStream, "depinfer"),
    streamTwoHopsCpuMicros: cpu(busyStream, "two hops"),
    twoHopsAddedTtfbP50Ms: stream === undefined ? null : added(stream, "two hops", ttfb),
    twoHopsAddedP50Ms: single === undefined ? null : added(single, "two hops", p50),
    failedRequests: measured
      .flatMap(({ samples }) => samples.of("depinfer", ({ failed }) => failed))
      .reduce((sum, failed) => sum + failed, 0),
    diskSyncMs: significant(diskSyncMs),
  };
}

/** What one durable write costs here: each paid request waits for a few, the bare hops for none. */
function measureDiskSync(writes: number): number {
  const folder = temporaryFolder();
  const file = openSync(join(folder.path, "sync"), "w");
  try {
    const block = Buffer.alloc(4_096, "x");
    const times = Array.from({ length: writes }, () => {
      const started = performance.now();
      writeSync(file, block);
      fsyncSync(file);
      return performance.now() - started;
    });
    return median(times);
  } finally {
    closeSync(file);
    folder.remove();
  }
}

export const path: Benchmark = {
  name: "path",
  description: "gateway, network and provider with payments, receipts and a chain, against two bare Node hops",
  async run({ quick, progress }) {
    const rounds = quick ? 1 : 7;
    const seconds = quick ? 0.5 : 2;
    const stops: (() => Promise<void>)[] = [];
    try {
      const market = await startMarket(progress);
      stops.push(market.stop);
      const hops = await startHops();
      stops.push(hops.stop);
      const generator = await startWorker(new URL("./path/load-process.ts", import.meta.url));
      stops.push(generator.stop);
      const targets = [marketTarget(market), ...hops.targets];
      progress("warming up: the first request opens a channel on chain");
      for (const target of targets) {
        for (const mode of ["json", "sse"] as const) {
          await sampleTarget(generator, target, { mode, clients: quick ? 4 : 16, seconds: quick ? 0.5 : 5 });
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
      return {
        rounds,
        rows: measured.flatMap(rowsOf),
        summary: summaryOf(measured, measureDiskSync(quick ? 20 : 200)),
      };
    } finally {
      for (const stop of stops.reverse()) {
        await stop();
      }
    }
  },
};
