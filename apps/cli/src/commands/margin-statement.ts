import { writeFileSync } from "node:fs";
import { addressSchema, DepinferError, errorMessage } from "@depinfer/protocol";
import { economyApi, type StatementGroup } from "@depinfer/protocol/api";
import type { IndexerClient } from "../indexer-client.ts";
import type { KnownCosts } from "../margin/costs.ts";
import { type MarginLine, marginsOf } from "../margin/statement-margin.ts";
import { digits } from "../money/amounts.ts";
import { printTable } from "../table.ts";
import { moneyOf, sayAssumed } from "./margin.ts";

export interface StatementMarginOptions {
  readonly costs: KnownCosts;
  readonly provider: string;
  /** Ms back from now. */
  readonly span: number;
  readonly by: StatementGroup;
  readonly feeBps: number;
  /** Where the lines go as CSV, money in units. */
  readonly csv?: string | undefined;
  readonly json: boolean;
}

const MINUTE_MS = 60_000;

/** `depinfer margin --provider`: what a provider earned, from its receipts. @throws DepinferError `margin.badProvider`. */
export async function statementMarginCommand(indexer: IndexerClient, options: StatementMarginOptions): Promise<void> {
  const provider = addressSchema.safeParse(options.provider);
  if (!provider.success) {
    throw new DepinferError({
      code: "margin.badProvider",
      message: `${JSON.stringify(options.provider)} is no provider's account`,
      remedy: "Pass an account as `depinfer providers` shows it, 0x and 40 digits",
    });
  }
  const statement = await indexer.get(economyApi.statement, {
    params: { provider: provider.data },
    query: { since: Date.now() - options.span, by: options.by },
  });
  const { lines, total } = marginsOf(statement.data, options.feeBps, options.costs.costs);
  if (options.csv !== undefined) {
    write(options.csv, csvOf(lines));
  }
  if (options.json) {
    console.log(JSON.stringify({ ...statement, data: lines, total, assumed: options.costs.assumed }, digits));
    return;
  }
  if (lines.length === 0) {
    console.log(`No data: ${provider.data} was not seen, and no receipt of it was posted, in this time.`);
    return;
  }
  console.log(
    `${provider.data}, ${statement.slots} slots, from ${new Date(statement.since).toISOString()}, as receipts under posted roots tell it.\n`,
  );
  printTable([
    ...lines.map(({ key, line, ...margin }) => ({
      [options.by]: key,
      requests: line.requests,
      tokens: line.outputTokens,
      "online min": (line.msOnline / MINUTE_MS).toFixed(1),
      "at work min": (line.msAtWork / MINUTE_MS).toFixed(1),
      ...moneyOf(margin),
    })),
    {
      [options.by]: "together",
      requests: sum(lines, ({ line }) => line.requests),
      tokens: sum(lines, ({ line }) => line.outputTokens),
      "online min": (sum(lines, ({ line }) => line.msOnline) / MINUTE_MS).toFixed(1),
      "at work min": (sum(lines, ({ line }) => line.msAtWork) / MINUTE_MS).toFixed(1),
      ...moneyOf(total),
    },
  ]);
  console.log("\nCosts count while it was online. Each line rounds its costs up by itself, the total once.");
  sayAssumed(options.costs);
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new DepinferError({
      code: "margin.notWritten",
      message: `The lines cannot be written to ${path}: ${errorMessage(cause)}`,
      remedy: "Pass --csv with a file in a folder that exists and is yours",
      metadata: { path },
      cause,
    });
  }
}

function sum(lines: readonly MarginLine[], pick: (line: MarginLine) => number): number {
  return lines.reduce((total, line) => total + pick(line), 0);
}

function csvOf(lines: readonly MarginLine[]): string {
  const head =
    "key,requests,promptTokens,outputTokens,msOnline,msAtWork,revenueUnits,feeUnits,powerUnits,depreciationUnits,marginUnits";
  const rows = lines.map(({ key, line, revenue, fee, power, depreciation, margin }) =>
    [
      `"${key.replaceAll('"', '""')}"`,
      line.requests,
      line.promptTokens,
      line.outputTokens,
      line.msOnline,
      line.msAtWork,
      revenue,
      fee,
      power,
      depreciation,
      margin,
    ].join(","),
  );
  return `${[head, ...rows].join("\n")}\n`;
}
