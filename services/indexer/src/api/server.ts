import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { DepinferError, errorMessage, type Log } from "@depinfer/protocol";
import { indexerApi } from "@depinfer/protocol/api";
import { passShares } from "../pass-shares.ts";
import { auditHandlers } from "./audit-routes.ts";
import { decentralisationHandlers } from "./decentralisation-routes.ts";
import { economyHandlers } from "./economy-routes.ts";
import type { EventHub } from "./event-hub.ts";
import { lookupHandlers } from "./lookup-routes.ts";
import { moneyHandlers } from "./money-routes.ts";
import { networkHandlers } from "./network-routes.ts";
import { offerHandlers } from "./offer-routes.ts";
import { openApiDocument } from "./openapi.ts";
import { providerHandlers } from "./provider-routes.ts";
import { badQuery, type Handlers, type Reader } from "./reader.ts";
import { receiptHandlers } from "./receipt-routes.ts";

const HANDLERS: Handlers<keyof typeof indexerApi> = {
  ...networkHandlers,
  ...decentralisationHandlers,
  ...economyHandlers,
  ...providerHandlers,
  ...offerHandlers,
  ...receiptHandlers,
  ...auditHandlers,
  ...moneyHandlers,
  ...lookupHandlers,
};

interface Route {
  readonly pattern: RegExp;
  answer(reader: Reader, query: URLSearchParams, params: Readonly<Record<string, string>>): Promise<unknown>;
}

/** An endpoint of the API by its name, with its query checked before its handler sees it. */
function routeOf<Name extends keyof typeof indexerApi>(name: Name): Route {
  const endpoint = indexerApi[name];
  return {
    pattern: patternOf(endpoint.path),
    answer(reader, asked, params) {
      const given = Object.fromEntries(asked);
      const query = endpoint.query.safeParse(given);
      if (!query.success) {
        const [issue] = query.error.issues;
        const parameter = String(issue?.path[0] ?? "the query");
        throw badQuery(parameter, given[parameter] ?? "", issue?.message ?? "Leave it out");
      }
      const handler: (reader: Reader, query: never, params: Readonly<Record<string, string>>) => Promise<unknown> =
        HANDLERS[name];
      return Reflect.apply(handler, undefined, [reader, query.data, params]);
    },
  };
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/:(\w+)/g, "(?<$1>[^/]+)")}$`);
}

const STATUS = `SELECT (SELECT block FROM progress) AS block, (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM receipts) AS receipts,
  (SELECT count(*) FROM audits) AS audits, (SELECT count(*) FROM channels) AS channels`;

/** Answers that are not part of the described API. */
const OTHERS: readonly Route[] = [
  {
    pattern: /^\/healthz$/,
    answer: async ({ db }) => ({ status: "ok", database: db.kind }),
  },
  {
    pattern: /^\/status$/,
    answer: async ({ db }) => (await db.query(STATUS))[0],
  },
  {
    // What the passes of a tier left over in a period, and whose it is.
    pattern: /^\/passes\/shares\/(?<tier>\d{1,18})\/(?<period>\d{1,18})$/,
    answer: ({ db }, _, { tier = "", period = "" }) => passShares(db, tier, period),
  },
  { pattern: /^\/openapi\.json$/, answer: async () => openApiDocument() },
];

const NAMES: readonly (keyof typeof indexerApi)[] = [
  "version",
  "overview",
  "series",
  "index",
  "indexHistory",
  "marketConditions",
  "statement",
  "basePrices",
  "providers",
  "provider",
  "earnings",
  "presence",
  "evidence",
  "validators",
  "offers",
  "models",
  "model",
  "prices",
  "receipts",
  "receipt",
  "audits",
  "disputes",
  "dispute",
  "channels",
  "channel",
  "epochs",
  "epoch",
  "tx",
  "block",
  "tiers",
  "passes",
  "pass",
  "account",
  "search",
];

const ROUTES: readonly Route[] = [...OTHERS, ...NAMES.map(routeOf)];

const EVENTS_PATH = "/events";

/**
 * The indexer's read-only HTTP API: lists as `{data: […], next}`, single things as themselves, errors as
 * `{error: {code, message, remedy}}`, and what happens as server-sent events at `/events`.
 */
export function createApi(reader: Reader, hub: EventHub, log: Log): Server {
  return createServer((request, response) => {
    handle(reader, hub, request, response).catch((error: unknown) => {
      const ours = error instanceof DepinferError ? error : null;
      if (ours === null) {
        log("error", `query failed: ${errorMessage(error)}`);
      }
      send(response, statusOf(ours), {
        error: {
          code: ours?.code ?? "internal",
          message: ours?.describe() ?? "The query failed; the indexer's log says why.",
          remedy: ours?.remedy ?? "Ask again, or whoever runs the indexer",
        },
      });
    });
  });
}

const STATUSES: ReadonlyMap<string, number> = new Map([
  ["index.badQuery", 400],
  ["index.badMethod", 405],
  ["index.tooManyReaders", 503],
]);

function statusOf(error: DepinferError | null): number {
  return error === null ? 500 : (STATUSES.get(error.code) ?? 404);
}

const NO_QUERY = new URLSearchParams();

async function handle(
  reader: Reader,
  hub: EventHub,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", url = "/" } = request;
  // A target such as `//` is no URL, and has no route either.
  const { pathname, searchParams } = URL.parse(url, "http://localhost") ?? { pathname: url, searchParams: NO_QUERY };
  if (method === "OPTIONS") {
    response.writeHead(204, { "access-control-allow-origin": "*", "access-control-allow-headers": "*" }).end();
    return;
  }
  if (method !== "GET") {
    throw new DepinferError({
      code: "index.badMethod",
      message: `${method.slice(0, 20)} is not answered here`,
      remedy: "Use GET; nothing can be changed through an indexer",
    });
  }
  if (pathname === EVENTS_PATH) {
    if (!hub.subscribe(request, response)) {
      throw new DepinferError({
        code: "index.tooManyReaders",
        message: "Too many read the events already",
        remedy: "Try again later, or run an indexer of your own",
        retryable: true,
      });
    }
    return;
  }
  for (const { pattern, answer } of ROUTES) {
    const match = pattern.exec(pathname);
    if (match !== null) {
      send(response, 200, await answer(reader, searchParams, decoded(match.groups ?? {})));
      return;
    }
  }
  throw new DepinferError({
    code: "index.noRoute",
    message: `There is no ${pathname.slice(0, 200)} here`,
    remedy: "See /openapi.json for what there is",
  });
}

function decoded(groups: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(groups).map(([name, value]) => {
      try {
        return [name, decodeURIComponent(value)];
      } catch {
        return [name, value];
      }
    }),
  );
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
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
