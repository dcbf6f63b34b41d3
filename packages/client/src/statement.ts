import { countColumn, hexColumn, type Journal, moneyColumn, textColumn } from "@depinfer/journal";
import type { Hex, MicroUsd, Usage } from "@depinfer/protocol";
import { passColumn, usageColumns } from "./buyer-rows.ts";

/** What one account bought of one model from one provider on one day. */
export interface StatementRow extends Usage {
  /** `yyyy-mm-dd`, in UTC; the day on which the requests began. */
  readonly day: string;
  readonly account: string;
  readonly model: string;
  readonly provider: Hex;
  /** The pass that paid, or null. */
  readonly pass: bigint | null;
  /** Answers that were paid. */
  readonly requests: number;
  readonly cost: MicroUsd;
}

export interface StatementQuery {
  /** All accounts when missing. */
  readonly account?: string;
  /** Milliseconds since 1970; the first one that counts. */
  readonly since: number;
  /** Milliseconds since 1970; the first one that no longer counts. */
  readonly until: number;
}

/**
 * Reads statements from a buyer's journal. A row's tokens and cost are those that were paid, so that the costs of all time
 * add up to what the account has spent. Requests that failed cost nothing and are left out; one whose end is not known
 * yet appears, on the day of its beginning, with what was paid of it.
 */
export function statementReader({ db }: Pick<Journal, "db">): (query: StatementQuery) => readonly StatementRow[] {
  const columns = `date(started_at / 1000, 'unixepoch') AS day, account, model, provider, pass, count(*) AS requests,
    sum(prompt_tokens) AS prompt_tokens, sum(cached_tokens) AS cached_tokens, sum(output_tokens) AS output_tokens,
    sum(cost) AS cost`;
  const paid = "(state IN ('done', 'disputed') OR cost > 0) AND started_at >= ? AND started_at < ?";
  const grouped = "GROUP BY day, account, model, provider, pass ORDER BY day, account, model, provider, pass";
  const all = db.prepare(`SELECT ${columns} FROM requests WHERE ${paid} ${grouped}`);
  const one = db.prepare(`SELECT ${columns} FROM requests WHERE ${paid} AND account = ? ${grouped}`);

  return ({ account, since, until }) =>
    (account === undefined ? all.all(since, until) : one.all(since, until, account)).map((row) => ({
      day: textColumn(row, "day"),
      account: textColumn(row, "account"),
      model: textColumn(row, "model"),
      provider: hexColumn(row, "provider"),
      pass: passColumn(row),
      requests: countColumn(row, "requests"),
      ...usageColumns(row),
      cost: moneyColumn(row, "cost"),
    }));
}
