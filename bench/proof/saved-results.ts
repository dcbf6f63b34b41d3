import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { BenchRow } from "../benchmark.ts";
import { projectRoot } from "../measure/machine.ts";

export const savedSchema = z.object({
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))),
  summary: z.record(z.string(), z.number().nullable()),
});

export interface SavedResult {
  readonly rows: readonly BenchRow[];
  readonly summary: Readonly<Record<string, number | null>>;
}

/** Where `--save` puts results. */
export const resultsFolder = join(projectRoot, "bench/results");

/** What `--save` kept of another benchmark, or null. */
export function savedResult(name: string): SavedResult | null {
  const path = join(resultsFolder, `${name}.json`);
  return existsSync(path) ? savedSchema.parse(JSON.parse(readFileSync(path, "utf8"))) : null;
}
