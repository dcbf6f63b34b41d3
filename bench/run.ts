/*
 * npm run bench -- NAME [--json] [--quick] [--save]
 *
 * Without NAME, lists the benchmarks. --json prints one object instead of a table, --quick measures briefly, --save
 * writes bench/results/NAME.json. Progress goes to standard error.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { BenchError } from "./bench-error.ts";
import type { BenchmarkOptions, BenchmarkOutcome } from "./benchmark.ts";
import { benchmarkNames, loadBenchmark } from "./benchmarks.ts";
import { commit, type Machine, machine, projectRoot } from "./measure/machine.ts";
import { formatTable } from "./measure/table.ts";

/** What `--json` prints and `--save` keeps. */
export interface BenchReport extends BenchmarkOutcome {
  readonly name: string;
  /** ISO time of the end of the run. */
  readonly at: string;
  readonly machine: Machine;
  readonly commit: string | null;
}

/** @throws BenchError `bench.unknown`, or what the benchmark throws. */
export async function runBenchmark(name: string, options: BenchmarkOptions): Promise<BenchReport> {
  const benchmark = await loadBenchmark(name);
  const measured = await commit();
  const outcome = await benchmark.run(options);
  return { name, at: new Date().toISOString(), machine: machine(), commit: measured, ...outcome };
}

async function main(): Promise<void> {
  const { name, json, quick, save } = readArguments();
  if (name === undefined) {
    for (const known of benchmarkNames) {
      console.log(`${known.padEnd(15)}${(await loadBenchmark(known)).description}`);
    }
    return;
  }
  const started = performance.now();
  const enough = new AbortController();
  process.once("SIGUSR2", () => enough.abort());
  const report = await runBenchmark(name, {
    quick,
    enough: enough.signal,
    progress: (text) => console.error(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`),
  });
  const { files = {}, missed = [], ...result } = report;
  if (save) {
    const folder = join(projectRoot, "bench/results");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
    for (const [file, text] of Object.entries(files)) {
      writeFileSync(join(folder, file), text);
    }
  }
  console.log(json ? JSON.stringify(result) : describe(report));
  if (missed.length > 0) {
    throw new BenchError({
      code: "bench.missed",
      message: `The benchmark ${name} misses its floor: ${missed.join("; ")}`,
      remedy: "Find the change that weakened it, or say in the floor's file why less is right",
      metadata: { name },
    });
  }
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        save: { type: "boolean", default: false },
      },
    });
    return { ...values, name: positionals[0] };
  } catch (cause) {
    throw new BenchError({
      code: "bench.badArguments",
      message: errorMessage(cause),
      remedy: "Use `npm run bench -- NAME [--json] [--quick] [--save]`",
      cause,
    });
  }
}

function describe({ name, machine: where, commit: at, rounds, rows, summary }: BenchReport): string {
  return [
    `${name}: ${rounds} rounds on ${where.cores} x ${where.cpu}, Node ${where.node}, commit ${at?.slice(0, 12) ?? "unknown"}`,
    "",
    formatTable(rows),
    "",
    formatTable(Object.entries(summary).map(([figure, value]) => ({ figure, value }))),
  ].join("\n");
}

if (import.meta.main) {
  main().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(`bench: ${error instanceof DepinferError ? error.describe() : errorMessage(error)}`);
      process.exit(1);
    },
  );
}
