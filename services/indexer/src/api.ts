import { createServer, type Server, type ServerResponse } from "node:http";
import { DepinferError, errorMessage, type Log } from "@depinfer/protocol";
import type { Database, SqlRow, SqlValue } from "./database.ts";
import { passShares } from "./pass-shares.ts";

/** Rows per answer, and the most that a caller may ask for. */
const PAGE = 100;
const MAX_PAGE = 1_000;

interface Route {
  readonly pattern: RegExp;
  readonly sql: string;
  /** Values from the path, then from the query. */
  readonly values: (path: readonly string[], query: URLSearchParams) => readonly SqlValue[];
  readonly single?: boolean;
}

const ROUTES: readonly Route[] = [
  {
    pattern: /^\/providers$/,
    sql: `SELECT o.operator AS provider, o.receipt_key, o.active, o.since_block, s.stake, s.slots,
            (SELECT count(*) FROM receipts r WHERE r.provider = o.operator) AS receipts,
            (SELECT coalesce(sum(r.output_tokens), 0) FROM receipts r WHERE r.provider = o.operator) AS output_tokens,
            (SELECT coalesce(sum(c.settled), 0) FROM channels c WHERE c.receiver = o.operator) AS earned,
            (SELECT count(*) FROM audits a WHERE a.provider = o.operator AND a.verdict = 'pass') AS audits_passed,
            (SELECT count(*) FROM audits a WHERE a.provider = o.operator AND a.verdict = 'fail') AS audits_failed
          FROM operators o LEFT JOIN stakes s ON s.operator = o.operator WHERE o.role = 1 ORDER BY o.operator LIMIT $1`,
    values: (_, query) => [limitOf(query)],
  },
  {
    pattern: /^\/offers$/,
    sql: "SELECT offer FROM offers WHERE expires_at > $2 ORDER BY provider LIMIT $1",
    values: (_, query) => [limitOf(query), Date.now()],
  },
  {
    pattern: /^\/receipts$/,
    sql: "SELECT id, epoch, receipt FROM receipts WHERE ($2::text IS NULL OR provider = $2) AND ($3::bigint IS NULL OR finished_at < $3) ORDER BY finished_at DESC LIMIT $1",
    values: (_, query) => [limitOf(query), query.get("provider"), integerOf(query, "before")],
  },
  {
    pattern: /^\/receipts\/(0x[0-9a-f]{64})$/,
    sql: "SELECT id, epoch, receipt FROM receipts WHERE id = $1 OR request_id = $1",
    values: ([id]) => [id ?? ""],
    single: true,
  },
  {
    pattern: /^\/audits$/,
    sql: "SELECT * FROM audits WHERE ($2::text IS NULL OR provider = $2) AND ($3::text IS NULL OR verdict = $3) ORDER BY block DESC LIMIT $1",
    values: (_, query) => [limitOf(query), query.get("provider"), query.get("verdict")],
  },
  {
    pattern: /^\/disputes$/,
    sql: "SELECT * FROM disputes WHERE ($2::text IS NULL OR accused = $2) ORDER BY opened_block DESC LIMIT $1",
    values: (_, query) => [limitOf(query), query.get("provider")],
  },
  {
    pattern: /^\/channels$/,
    sql: "SELECT * FROM channels WHERE ($2::text IS NULL OR payer = $2) AND ($3::text IS NULL OR receiver = $3) ORDER BY opened_block DESC LIMIT $1",
    values: (_, query) => [limitOf(query), query.get("payer"), query.get("provider")],
  },
  {
    pattern: /^\/channels\/(0x[0-9a-f]{64})$/,
    sql: "SELECT * FROM channels WHERE id = $1",
    values: ([id]) => [id ?? ""],
    single: true,
  },
  {
    pattern: /^\/epochs$/,
    sql: "SELECT * FROM epochs WHERE ($2::text IS NULL OR provider = $2) ORDER BY block DESC LIMIT $1",
    values: (_, query) => [limitOf(query), query.get("provider")],
  },
  {
    pattern: /^\/status$/,
    sql: `SELECT (SELECT block FROM progress) AS block, (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM receipts) AS receipts,
            (SELECT count(*) FROM audits) AS audits, (SELECT count(*) FROM channels) AS channels`,
    values: () => [],
    single: true,
  },
];

/** The indexer's read-only HTTP API: lists as `{data: […]}`, single things as themselves, errors as `{error: {…}}`. */
export function createApi(db: Database, log: Log): Server {
  return createServer((request, response) => {
    answer(db, request.method ?? "GET", request.url ?? "/", response).catch((error: unknown) => {
      const ours = error instanceof DepinferError ? error : null;
      if (ours === null) {
        log("error", `query failed: ${errorMessage(error)}`);
      }
      const status = ours === null ? 500 : ours.code === "index.badQuery" ? 400 : 404;
      send(response, status, {
        error: {
          code: ours?.code ?? "internal",
          message: ours?.describe() ?? "The query failed; the indexer's log says why.",
        },
      });
    });
  });
}

const NO_QUERY = new URLSearchParams();
/** What the passes of a tier left over in a period, and whose it is. */
const SHARES = /^\/passes\/shares\/(\d{1,18})\/(\d{1,18})$/;

async function answer(db: Database, method: string, target: string, response: ServerResponse): Promise<void> {
  // A target such as `//` is no URL, and has no route either.
  const { pathname, searchParams } = URL.parse(target, "http://localhost") ?? {
    pathname: target,
    searchParams: NO_QUERY,
  };
  if (pathname === "/healthz") {
    send(response, 200, { status: "ok", database: db.kind });
    return;
  }
  const shares = SHARES.exec(pathname);
  if (shares !== null && method === "GET") {
    send(response, 200, await passShares(db, shares[1] ?? "", shares[2] ?? ""));
    return;
  }
  for (const { pattern, sql, values, single } of ROUTES) {
    const match = pattern.exec(pathname);
    if (match !== null && method === "GET") {
      const rows = await db.query(sql, values(match.slice(1), searchParams));
      if (single !== true) {
        send(response, 200, { data: rows });
        return;
      }
      send(response, 200, requireRow(rows[0], pathname));
      return;
    }
  }
  throw new DepinferError({
    code: "index.noRoute",
    message: `There is no ${method} ${pathname} here`,
    remedy:
      "Use GET /providers, /offers, /receipts, /receipts/ID, /audits, /disputes, /channels, /channels/ID, /epochs, /passes/shares/TIER/PERIOD or /status",
  });
}

function requireRow(row: SqlRow | undefined, path: string): SqlRow {
  if (row === undefined) {
    throw new DepinferError({
      code: "index.notFound",
      message: `${path} is not indexed`,
      remedy: "Check the id; receipts appear once their epoch is posted",
    });
  }
  return row;
}

function limitOf(query: URLSearchParams): number {
  const limit = integerOf(query, "limit") ?? PAGE;
  if (limit < 1 || limit > MAX_PAGE) {
    throw badQuery("limit", String(limit), `a whole number from 1 to ${MAX_PAGE}`);
  }
  return limit;
}

function integerOf(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text !== null && !/^\d{1,15}$/.test(text)) {
    throw badQuery(name, text, "a whole number");
  }
  return text === null ? null : Number(text);
}

function badQuery(name: string, value: string, wanted: string): DepinferError {
  return new DepinferError({
    code: "index.badQuery",
    message: `${name} is ${JSON.stringify(value)}`,
    remedy: `Give ${wanted}`,
    metadata: { name, value },
  });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  // Money and sums are text from both databases; counts are numbers, and text once they are not exact any more.
  const bytes = Buffer.from(
    JSON.stringify(body, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)),
  );
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": bytes.length,
    "access-control-allow-origin": "*",
  });
  response.end(bytes);
}
