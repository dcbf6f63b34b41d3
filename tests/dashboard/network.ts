import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { z } from "zod";

/** What the files of tests are told of the network that runs for them. */
export interface DashboardNetwork {
  readonly home: string;
  readonly url: string;
  readonly apiKey: string;
  readonly indexerUrl: string;
  readonly dashboardUrl: string;
}

declare module "vitest" {
  interface ProvidedContext {
    readonly network: DashboardNetwork;
  }
}

const program = join(import.meta.dirname, "../../apps/cli/bin/depinfer.js");
/** Seconds; receipts are indexed once their epoch is posted, and tests wait for that. */
const EPOCH_SECONDS = 5;
const START_TIMEOUT_MS = 120_000;

const accessSchema = z.object({
  url: z.string(),
  apiKey: z.string(),
  indexerUrl: z.string(),
  dashboardUrl: z.string(),
});

/** Starts the network as `npm start` does, dashboard and all, for every file of these tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = mkdtempSync(join(tmpdir(), "depinfer-dashboard-"));
  const args = ["up", "--home", home, "--port", "0", "--epoch-seconds", String(EPOCH_SECONDS)];
  // A group of its own, so that Ctrl-C reaches every process of it.
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  let printed = "";
  const take = (chunk: Buffer) => {
    printed += chunk.toString();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async () => {
    if (child.exitCode === null && child.pid !== undefined) {
      process.kill(-child.pid, "SIGINT");
      await ended;
    }
    rmSync(home, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!printed.includes("Ready in")) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await stop();
      throw new Error(`the network did not start:\n${printed}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const access = accessSchema.parse(JSON.parse(readFileSync(join(home, "access.json"), "utf8")));
  project.provide("network", { home, ...access });
  return stop;
}
