import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { benchmarkNames, loadBenchmark } from "./benchmarks.ts";
import { projectRoot } from "./measure/machine.ts";

const report = z.strictObject({
  name: z.string(),
  at: z.iso.datetime(),
  machine: z.strictObject({
    cpu: z.string(),
    cores: z.int().positive(),
    memoryGiB: z.int(),
    platform: z.string(),
    node: z.string(),
  }),
  commit: z.string().nullable(),
  rounds: z.int().positive(),
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))).min(1),
  summary: z.record(z.string(), z.number().nullable()),
});

/** Names in `summary` that others read. */
const SUMMARY_KEYS: Readonly<Record<string, readonly string[]>> = {
  economics: ["entities", "giniMillis", "allMillis"],
  simulate: ["agents", "epochs", "seconds", "timesFasterThanPlain"],
  vouchers: ["signsPerCpuSecond", "verifiesPerCpuSecond"],
  network: ["quicRttMicros", "quicCpuMicros", "tcpRttMicros", "httpRttMicros"],
  engine: ["samplerOverhead", "ownTokensPerSecond", "engineTokensPerSecond"],
  verify: ["verifyOverGenerate", "prefillOverGenerate"],
  proof: ["honestTokens", "falsePositives", "verifyOverGenerate", "samplerOverhead"],
  exactness: ["mismatchesWithin", "pairsThatDiffer", "portablePairedDiffering"],
  path: ["cpuMicrosPerRequest", "twoHopsCpuMicros", "addedTtfbP50Ms", "addedP50Ms"],
};

function bench(...args: string[]) {
  return promisify(execFile)(process.execPath, ["--conditions=source", "bench/run.ts", ...args], { cwd: projectRoot });
}

describe("the benchmark runner", () => {
  it.each(Object.keys(SUMMARY_KEYS))(
    "measures %s briefly and prints one object",
    { timeout: 300_000 },
    async (name) => {
      const { stdout, stderr } = await bench(name, "--quick", "--json");
      const measured = report.parse(JSON.parse(stdout));
      expect(measured.name).toBe(name);
      expect(Object.keys(measured.summary)).toEqual(expect.arrayContaining([...(SUMMARY_KEYS[name] ?? [])]));
      expect(stderr, "progress goes to standard error").toMatch(/^ +\d+\.\d s {2}\S/m);
    },
  );

  it("lists every benchmark with a line of its own when none is named", async () => {
    const { stdout } = await bench();
    const listed = stdout.trim().split("\n");
    expect(listed.map((line) => line.split(" ")[0])).toEqual([...benchmarkNames]);
  });

  it("names the choices when it does not know a benchmark", async () => {
    await expect(loadBenchmark("speed")).rejects.toMatchObject({
      code: "bench.unknown",
      remedy: `Choose one of ${benchmarkNames.join(", ")}`,
    });
    await expect(bench("speed")).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("Choose one of") });
  });

  it("refuses arguments that it does not know", async () => {
    await expect(bench("engine", "--fast")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--quick"),
    });
  });
});
