import type { IncomingMessage, ServerResponse } from "node:http";
import type { Buyer, StatementQuery, StatementRow } from "@depinfer/client";
import { DepinferError, formatUsd } from "@depinfer/protocol";
import { sendJson } from "./http-error.ts";
import type { ApiKey } from "./keys.ts";

/** One line of a statement as clients read it. Money is in units, as digits, and in dollars for people. */
export interface StatementLine {
  readonly day: string;
  readonly account: string;
  readonly model: string;
  readonly provider: string;
  /** Id of the pass that paid, or null. */
  readonly pass: string | null;
  readonly requests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly cost: string;
  readonly costUsd: string;
}

export type StatementTotal = Omit<StatementLine, "day" | "account" | "model" | "provider" | "pass">;

export interface Statement {
  readonly since: string;
  readonly until: string;
  readonly lines: readonly StatementLine[];
  /** The sum of the lines; over all of time it is what the ledger says was spent. */
  readonly total: StatementTotal;
}

/** What was bought, by day, model and provider. */
export function statementOf(buyer: Pick<Buyer, "statement">, query: StatementQuery): Statement {
  const rows = buyer.statement(query);
  return {
    since: new Date(query.since).toISOString(),
    until: new Date(query.until).toISOString(),
    lines: rows.map(toLine),
    total: totalOf(rows),
  };
}

/** Answers `GET /v1/statement?since&until&format` for one key. Times are days (`yyyy-mm-dd`) or ISO 8601, in UTC. */
export function sendStatement(
  buyer: Pick<Buyer, "statement">,
  key: ApiKey,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const asked = new URL(request.url ?? "/", "http://localhost").searchParams;
  const format = asked.get("format") ?? "json";
  if (format !== "json" && format !== "csv") {
    throw invalid("format", format, "Ask for json or csv");
  }
  const since = timeOf(asked.get("since"), "since") ?? 0;
  const until = timeOf(asked.get("until"), "until") ?? Date.now() + 1;
  if (since > until) {
    throw invalid("since", asked.get("since") ?? "", "Begin before the end");
  }
  const statement = statementOf(buyer, { account: key.name, since, until });
  if (format === "json") {
    sendJson(response, 200, { object: "statement", account: key.name, ...statement });
    return;
  }
  const bytes = Buffer.from(statementCsv(statement));
  response.writeHead(200, {
    "content-type": "text/csv; charset=utf-8; header=present",
    "content-disposition": 'attachment; filename="depinfer-statement.csv"',
    "content-length": bytes.length,
  });
  response.end(bytes);
}

const COLUMNS = [
  "day",
  "account",
  "model",
  "provider",
  "pass",
  "requests",
  "promptTokens",
  "cachedTokens",
  "outputTokens",
  "cost",
  "costUsd",
] as const;

/** RFC 4180, with a last row of sums. */
export function statementCsv({ lines, total }: Statement): string {
  const sum = { day: "total", account: "", model: "", provider: "", pass: null, ...total };
  const rows = [...lines, sum].map((line) => COLUMNS.map((column) => csvCell(line[column] ?? "")).join(","));
  return `${[COLUMNS.join(","), ...rows].join("\r\n")}\r\n`;
}

/**
 * One cell. Providers choose the names of their models, and a spreadsheet runs a cell that begins like a formula; an
 * apostrophe makes it text (OWASP, "CSV Injection").
 */
function csvCell(value: string | number): string {
  const text = String(value);
  const harmless = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function toLine({ pass, cost, ...row }: StatementRow): StatementLine {
  return { ...row, pass: pass?.toString() ?? null, cost: cost.toString(), costUsd: formatUsd(cost) };
}

function totalOf(rows: readonly StatementRow[]): StatementTotal {
  const sum = (of: (row: StatementRow) => number) => rows.reduce((total, row) => total + of(row), 0);
  const cost = rows.reduce((total, row) => total + row.cost, 0n);
  return {
    requests: sum(({ requests }) => requests),
    promptTokens: sum(({ promptTokens }) => promptTokens),
    cachedTokens: sum(({ cachedTokens }) => cachedTokens),
    outputTokens: sum(({ outputTokens }) => outputTokens),
    cost: cost.toString(),
    costUsd: formatUsd(cost),
  };
}

function timeOf(text: string | null, param: string): number | null {
  if (text === null) {
    return null;
  }
  const isTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/.test(text);
  const time = isTime ? Date.parse(text) : Number.NaN;
  // Days that no month has are taken for days of the next one.
  const exists = !Number.isNaN(time) && new Date(time).toISOString().startsWith(text.slice(0, 10));
  if (!exists || time < 0) {
    throw invalid(param, text, "Give a day like 2026-07-31, or a time like 2026-07-31T12:00:00Z, in UTC");
  }
  return time;
}

function invalid(param: string, value: string, remedy: string): DepinferError {
  return new DepinferError({
    code: "request.invalid",
    message: `Invalid value for ${param}: ${JSON.stringify(value.slice(0, 80))}`,
    remedy,
    metadata: { param },
  });
}
