import { readFileSync, writeFileSync } from "node:fs";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { runCampaigns } from "../../../../simulation/economy/campaign.ts";
import { formatEstimate, htmlReport } from "../../../../simulation/economy/report.ts";
import { parseScenario, type Scenario } from "../../../../simulation/economy/scenario.ts";
import { tornadoOf } from "../../../../simulation/economy/tornado.ts";
import { printTable } from "../table.ts";

export interface SimulateOptions {
  readonly seeds: number;
  /** Where the page with plots goes. */
  readonly report?: string | undefined;
  /** Also move each parameter of the first scenario. */
  readonly tornado: boolean;
  readonly json: boolean;
}

/** `depinfer simulate SCENARIO…`: who gets the work in a market that a file describes. */
export async function simulateCommand(files: readonly string[], options: SimulateOptions): Promise<void> {
  const scenarios = files.map(readScenario);
  const say = (what: string) => (done: number, of: number) =>
    process.stderr.write(
      `${process.stderr.isTTY ? "\r" : ""}  … ${what}: ${done} of ${of}${process.stderr.isTTY ? "" : "\n"}`,
    );
  const campaigns = await runCampaigns(scenarios, { seeds: options.seeds, onRun: say("markets simulated") });
  const [first] = scenarios;
  const tornado =
    options.tornado && first !== undefined ? await tornadoOf(first, { seeds: 3, onRun: say("parameters moved") }) : [];
  process.stderr.write(process.stderr.isTTY ? "\n" : "");
  if (options.report !== undefined) {
    writeFileSync(options.report, htmlReport(campaigns, tornado));
  }
  if (options.json) {
    console.log(JSON.stringify(campaigns.map(({ scenario, figures, trace }) => ({ scenario, figures, trace }))));
    return;
  }
  printTable(
    campaigns.map(({ scenario, figures, trace }) => ({
      market: scenario.name,
      "Gini of revenue": formatEstimate(figures.gini, 3),
      "NC 50 %": formatEstimate(figures.nc50, 0),
      "NC 33 %": formatEstimate(figures.nc33, 0),
      "whale's share": formatEstimate(figures.whaleShare, 4),
      trace,
    })),
  );
  console.log(
    `Simulated; means over ${options.seeds} seeds with 95 % intervals, of true owners.${options.report === undefined ? "" : ` Plots: ${options.report}`}`,
  );
}

function readScenario(path: string): Scenario {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new DepinferError({
      code: "scenario.unreadable",
      message: `The scenario ${path} cannot be read: ${errorMessage(cause)}`,
      remedy: "Pass a JSON file such as simulation/scenarios/whale.json",
      metadata: { path },
      cause,
    });
  }
  return parseScenario(value);
}
