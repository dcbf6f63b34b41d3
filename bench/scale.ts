import type { Benchmark } from "./benchmark.ts";
import { compared, formatSpread, median, significant } from "./measure/statistics.ts";
import { startWorker } from "./measure/worker.ts";
import { startMarket } from "./path/market.ts";
import { marketTarget, type PathSample, sampleTarget } from "./path/targets.ts";

/*
 * What more providers bring. Each of them answers four requests at a time and takes a fixed time for each, without using the
 * processor, so that the machine's two cores are not what limits them.
 */

const PROVIDERS = [1, 2, 4];
const ENGINE = { slots: 4, answerMs: 100 };

export const scale: Benchmark = {
  name: "scale",
  description: "requests per second with 1, 2 and 4 providers of equal speed",
  async run({ quick, progress }) {
    const rounds = quick ? 1 : 7;
    const seconds = quick ? 0.7 : 3;
    const stops: (() => Promise<void>)[] = [];
    try {
      const generator = await startWorker(new URL("./path/load-process.ts", import.meta.url));
      stops.push(generator.stop);
      const markets: {
        readonly providers: number;
        readonly samples: PathSample[];
        readonly sample: () => Promise<PathSample>;
      }[] = [];
      for (const providers of quick ? [1, 2] : PROVIDERS) {
        const market = await startMarket(progress, { providers, engine: ENGINE });
        stops.push(market.stop);
        const target = marketTarget(market);
        const sample = (time: number) =>
          sampleTarget(generator, target, { mode: "json", clients: providers * ENGINE.slots, seconds: time });
        progress(`warming up ${providers} providers`);
        await sample(quick ? 0.5 : 4);
        markets.push({ providers, samples: [], sample: () => sample(seconds) });
      }
      for (let round = 0; round < rounds; round++) {
        progress(`round ${round + 1} of ${rounds}`);
        for (const market of round % 2 === 0 ? markets : [...markets].reverse()) {
          market.samples.push(await market.sample());
        }
      }
      const rates = (samples: readonly PathSample[] = []) => samples.map(({ perSecond }) => perSecond);
      const alone = rates(markets[0]?.samples);
      return {
        rounds,
        rows: markets.map(({ providers, samples }) => ({
          providers,
          slots: providers * ENGINE.slots,
          perSecond: significant(median(rates(samples))),
          p50Ms: significant(median(samples.map(({ p50Ms }) => p50Ms))),
          p99Ms: significant(median(samples.map(({ p99Ms }) => p99Ms))),
          failed: samples.reduce((sum, { failed }) => sum + failed, 0),
          overOne: formatSpread(compared(rates(samples), alone)),
        })),
        summary: Object.fromEntries(
          markets.map(({ providers, samples }) => [
            `throughputAt${providers}`,
            significant(compared(rates(samples), alone).median),
          ]),
        ),
      };
    } finally {
      for (const stop of stops.reverse()) {
        await stop();
      }
    }
  },
};
