import { z } from "zod";
import { BenchError } from "./bench-error.ts";
import type { Benchmark } from "./benchmark.ts";
import { cpuMicros } from "./measure/cpu.ts";
import { interleave } from "./measure/interleave.ts";
import { compared, formatSpread, median, percentile, significant } from "./measure/statistics.ts";
import { startWorker, type Worker } from "./measure/worker.ts";
import { type Client, framesClient, httpClient } from "./network/clients.ts";
import { answerBytes, requestFor } from "./network/messages.ts";

interface Scenario {
  readonly name: string;
  /** Requests under way at any time. */
  readonly concurrency: number;
  /** Pieces of a streamed answer; 0 is the short answer. */
  readonly pieces: number;
  readonly requests: number;
}

interface Sample {
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Of both processes, per request. */
  readonly cpuMicros: number;
  readonly perSecond: number;
}

const BASELINE = "http";
const VARIANTS = ["quic", "tcp", BASELINE];

async function measure(client: Client, server: Worker, { concurrency, pieces, requests }: Scenario): Promise<Sample> {
  const request = requestFor(pieces);
  const times: number[] = [];
  let left = requests;
  const before = cpuMicros() + (await server.cpuMicros());
  const started = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) {
        const asked = performance.now();
        const bytes = await client.ask(request);
        times.push((performance.now() - asked) * 1000);
        if (bytes !== answerBytes(pieces)) {
          throw lostBytes(bytes, answerBytes(pieces));
        }
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const cpu = cpuMicros() + (await server.cpuMicros()) - before;
  return {
    p50Micros: median(times),
    p99Micros: percentile(times, 0.99),
    cpuMicros: cpu / requests,
    perSecond: requests / seconds,
  };
}

export const network: Benchmark = {
  name: "network",
  description: "a request and its answer between two processes: our frames over QUIC and TCP against HTTP/1.1",
  async run({ quick, progress }) {
    const rounds = quick ? 2 : 7;
    const scale = quick ? 0.1 : 1;
    const scenarios: readonly Scenario[] = [
      { name: "one at a time", concurrency: 1, pieces: 0, requests: Math.round(600 * scale) },
      { name: "16 at a time", concurrency: 16, pieces: 0, requests: Math.round(3_200 * scale) },
      { name: "16 streams of 64 pieces", concurrency: 16, pieces: 64, requests: Math.round(320 * scale) },
    ];
    const server = await startWorker(new URL("./network/frames-server.ts", import.meta.url));
    const addresses = await server.call("addresses", null, z.object({ libp2p: z.array(z.string()), http: z.string() }));
    const clients = new Map<string, Client>([[BASELINE, httpClient(addresses.http)]]);
    try {
      clients.set("quic", await framesClient(addresses.libp2p, "quic"));
      clients.set("tcp", await framesClient(addresses.libp2p, "tcp"));
      const results = [];
      for (const scenario of scenarios) {
        const variants = VARIANTS.flatMap((name) => {
          const client = clients.get(name);
          return client === undefined ? [] : [{ name, measure: () => measure(client, server, scenario) }];
        });
        await interleave(variants, 1, () => undefined);
        const samples = await interleave(variants, rounds, (text) => progress(`${scenario.name}: ${text}`));
        results.push({ scenario, samples });
      }
      const rows = results.flatMap(({ scenario, samples }) =>
        VARIANTS.map((transport) => {
          const ratio = (figure: (sample: Sample) => number) =>
            formatSpread(compared(samples.of(transport, figure), samples.of(BASELINE, figure)));
          const middle = (figure: (sample: Sample) => number) => significant(median(samples.of(transport, figure)));
          return {
            scenario: scenario.name,
            transport,
            p50Micros: middle(({ p50Micros }) => p50Micros),
            p99Micros: middle(({ p99Micros }) => p99Micros),
            cpuMicros: middle((sample) => sample.cpuMicros),
            perSecond: middle(({ perSecond }) => perSecond),
            p50OverHttp: ratio(({ p50Micros }) => p50Micros),
            cpuOverHttp: ratio((sample) => sample.cpuMicros),
          };
        }),
      );
      const single = results[0]?.samples;
      const figure = (name: string, of: (sample: Sample) => number) =>
        single === undefined ? null : significant(median(single.of(name, of)));
      return {
        rounds,
        rows,
        summary: {
          quicRttMicros: figure("quic", ({ p50Micros }) => p50Micros),
          quicCpuMicros: figure("quic", (sample) => sample.cpuMicros),
          tcpRttMicros: figure("tcp", ({ p50Micros }) => p50Micros),
          tcpCpuMicros: figure("tcp", (sample) => sample.cpuMicros),
          httpRttMicros: figure(BASELINE, ({ p50Micros }) => p50Micros),
          httpCpuMicros: figure(BASELINE, (sample) => sample.cpuMicros),
        },
      };
    } finally {
      await Promise.all([...clients.values()].map((client) => client.close()));
      await server.stop();
    }
  },
};

function lostBytes(got: number, wanted: number): BenchError {
  return new BenchError({
    code: "bench.lostBytes",
    message: `An answer had ${got} bytes instead of ${wanted}`,
    remedy: "This is a fault of the transport, not of the benchmark: report it",
    metadata: { got, wanted },
  });
}
