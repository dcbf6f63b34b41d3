import { readFileSync, writeFileSync } from "node:fs";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { type Campaign, runCampaigns } from "../../../../simulation/economy/campaign.ts";
import { htmlReport } from "../../../../simulation/economy/report/report.ts";
import {
  attackLines,
  auditLine,
  epochLine,
  type Line,
  marketLine,
} from "../../../../simulation/economy/report/tables.ts";
import { type AnyScenario, parseAnyScenario } from "../../../../simulation/economy/run.ts";
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
  const moved = options.tornado ? movable(scenarios[0]) : undefined;
  const say = (what: string) => (done: number, of: number) =>
    process.stderr.write(
      `${process.stderr.isTTY ? "\r" : ""}  … ${what}: ${done} of ${of}${process.stderr.isTTY ? "" : "\n"}`,
    );
  const campaigns = await runCampaigns(scenarios, { seeds: options.seeds, onRun: say("markets simulated") });
  const tornado = moved === undefined ? [] : await tornadoOf(moved, { seeds: 3, onRun: say("parameters moved") });
  process.stderr.write(process.stderr.isTTY ? "\n" : "");
  if (options.report !== undefined) {
    writeFileSync(options.report, htmlReport(campaigns, tornado));
  }
  if (options.json) {
    console.log(JSON.stringify(campaigns.map(({ scenario, figures, trace }) => ({ scenario, figures, trace }))));
    return;
  }
  for (const lines of tablesOf(campaigns)) {
    printTable(lines);
    console.log("");
  }
  console.log(
    `Simulated; means over ${options.seeds} seeds with 95 % intervals, of true owners.${options.report === undefined ? "" : ` Plots: ${options.report}`}`,
  );
}

/** One table for each kind of figures that there are: shares, epochs, chances, and what adversaries have. */
function tablesOf(campaigns: readonly Campaign[]): readonly (readonly Line[])[] {
  const lines = campaigns.map((campaign) => {
    const { scenario } = campaign;
    return scenario.market === "epochs"
      ? epochLine(campaign)
      : scenario.market === "audits"
        ? auditLine(campaign, scenario)
        : marketLine(campaign);
  });
  const of = (column: string) => lines.filter((line) => column in line);
  return [of("market"), of("market over epochs"), of("auditors"), campaigns.flatMap(attackLines)].filter(
    (table) => table.length > 0,
  );
}

function movable(scenario: AnyScenario | undefined) {
  if (scenario === undefined || scenario.market !== "slots") {
    throw new DepinferError({
      code: "scenario.notMovable",
      message: `The first scenario is a market by ${scenario?.market ?? "nothing"}, whose parameters are not moved`,
      remedy: "Put one with the market slots first, or leave --tornado out",
    });
  }
  return scenario;
}

function readScenario(path: string): AnyScenario {
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
  return parseAnyScenario(value);
}
