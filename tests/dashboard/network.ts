import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { z } from "zod";
import { discard, startTestNetwork } from "../e2e/local-network.ts";

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

/** Seconds; receipts are indexed once their epoch is posted, and tests wait for that. */
const EPOCH_SECONDS = 5;

const accessSchema = z.object({
  url: z.string(),
  apiKey: z.string(),
  indexerUrl: z.string(),
  dashboardUrl: z.string(),
});

/** Starts the network as `npm start` does, dashboard and all, for every file of these tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const network = await startTestNetwork(["--epoch-seconds", String(EPOCH_SECONDS), "--dashboard"]);
  const access = accessSchema.parse(JSON.parse(readFileSync(join(network.home, "access.json"), "utf8")));
  project.provide("network", { home: network.home, ...access });
  return () => discard(network);
}
