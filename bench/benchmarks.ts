import { BenchError } from "./bench-error.ts";
import type { Benchmark } from "./benchmark.ts";

/** Each benchmark's file is loaded only when it is asked for: some load an engine. */
const FILES: Readonly<Record<string, () => Promise<Benchmark>>> = {
  start: async () => (await import("./start.ts")).start,
  path: async () => (await import("./path.ts")).path,
  gateway: async () => (await import("./gateway.ts")).gateway,
  scale: async () => (await import("./scale.ts")).scale,
  memory: async () => (await import("./memory.ts")).memory,
  dashboard: async () => (await import("./dashboard.ts")).dashboard,
  engine: async () => (await import("./engine.ts")).engine,
  verify: async () => (await import("./verify.ts")).verify,
  proof: async () => (await import("./proof.ts")).proof,
  exactness: async () => (await import("./exactness.ts")).exactness,
  network: async () => (await import("./network.ts")).network,
  greedy: async () => (await import("./greedy.ts")).greedy,
  tensors: async () => (await import("./tensors.ts")).tensors,
  gas: async () => (await import("./gas.ts")).gas,
  journal: async () => (await import("./journal.ts")).journal,
  concentration: async () => (await import("./concentration.ts")).concentration,
  economics: async () => (await import("./economics.ts")).economics,
  simulate: async () => (await import("./simulate.ts")).simulate,
  settle: async () => (await import("./settle.ts")).settle,
  vouchers: async () => (await import("./vouchers.ts")).vouchers,
};

export const benchmarkNames: readonly string[] = Object.keys(FILES);

/** @throws BenchError `bench.unknown`. */
export async function loadBenchmark(name: string): Promise<Benchmark> {
  const load = FILES[name];
  if (load === undefined) {
    throw new BenchError({
      code: "bench.unknown",
      message: `There is no benchmark ${JSON.stringify(name)}`,
      remedy: `Choose one of ${benchmarkNames.join(", ")}`,
      metadata: { name },
    });
  }
  return load();
}
