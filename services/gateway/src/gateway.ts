import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Buyer } from "@depinfer/client";
import {
  bytes32Schema,
  DepinferError,
  type Endpoint,
  errorCode,
  errorMessage,
  type Hex,
  type Log,
  type MinimumLevel,
  type RecordSpan,
} from "@depinfer/protocol";
import type { Admission } from "./admission/admission.ts";
import { scopeOf } from "./admission/scope-of.ts";
import { type AskedOptions, readAsked } from "./asked.ts";
import type { BatchStore } from "./batches/batch-store.ts";
import { buy, complete } from "./complete.ts";
import { sendOptions, shareWithOrigin } from "./cross-origin.ts";
import { sendError, sendJson } from "./http-error.ts";
import { checkHeaders, checkHostAndOrigin, SERVER_LIMITS } from "./http-guard.ts";
import type { Idempotency } from "./idempotency.ts";
import { type ApiKey, type Keys, requireScope } from "./keys.ts";
import type { Metrics } from "./metrics.ts";
import { eventRoutes } from "./own/event-routes.ts";
import { createFeed, type Feed } from "./own/feed.ts";
import { ownRoutes } from "./own/own-routes.ts";
import type { PassDesk } from "./passes.ts";
import type { ResponseStore } from "./responses/response-store.ts";
import { createRouter, type Handler, type RouteModules, type RouteTable } from "./routes.ts";
import { sendStatement } from "./statement.ts";
import { createSurface } from "./surface.ts";
import { offerList, receiptView } from "./views.ts";
import { whyPath, whyView } from "./why.ts";
import type { Seller } from "./x402/seller.ts";

export interface GatewayModules {
  readonly buyer: Buyer;
  readonly keys: Keys;
  /** Holds keys to their rates and budgets. */
  readonly admission: Admission;
  readonly idempotency: Idempotency;
  /** Lets passes pay for the requests of keys that they are bound to. */
  readonly passes?: PassDesk;
  /** Sells to whoever pays by x402; without it every request needs a key. */
  readonly seller?: Seller;
  /** Keeps responses that can be gone on from; without it none are. */
  readonly responses?: ResponseStore;
  /** Keeps files and batches; without it there are none. */
  readonly batches?: BatchStore;
  readonly log: Log;
  readonly metrics?: Metrics;
  /** Watches the buyer; one of its own by default. Give the one that others buy through too. */
  readonly feed?: Feed;
  /** Takes spans for traces. */
  readonly record?: RecordSpan;
}

export interface GatewayOptions {
  /** Interface to listen on; the loopback by default. */
  readonly host?: string;
  readonly port: number;
  /** Host names besides localhost under which clients may call. */
  readonly allowedHosts?: readonly string[];
  /** Largest request body in bytes. */
  readonly bodyLimit?: number;
  /** What every answer has to be provable at least; `none` by default. A request may demand more. */
  readonly minProofLevel?: MinimumLevel;
  /** Let `attested-SIMULATED` pass for `attested`. For tests and demonstrations. */
  readonly allowSimulatedAttestation?: boolean;
  /** Connections at a time; more are not accepted. */
  readonly mostConnections?: number;
  /** How long a client may take for the head and for the whole of a request, in ms. */
  readonly headersTimeout?: number;
  readonly requestTimeout?: number;
}

/** A running OpenAI-compatible endpoint. */
export interface Gateway {
  /** @throws the listening socket's error, `EADDRINUSE` say. */
  start(): Promise<void>;
  /** From now on `/readyz` sends requests elsewhere and new ones are refused; those that are answered go on. */
  drain(): void;
  /** Drains, waits for streams to finish for `drainMs` at most, then stops listening and closes them. */
  stop(drainMs?: number): Promise<void>;
  readonly port: number;
}

const BODY_LIMIT = 1_048_576;
const DRAIN_MS = 2_000;
const POLL_MS = 20;
/** Each costs a few tens of kilobytes while nothing is asked. */
const MOST_CONNECTIONS = 10_000;

export function createGateway(modules: GatewayModules, options: GatewayOptions): Gateway {
  const { keys, admission, log } = modules;
  const feed = modules.feed ?? createFeed(modules.buyer);
  const { buyer } = feed;
  const bodyLimit = options.bodyLimit ?? BODY_LIMIT;
  const asking: AskedOptions = {
    bodyLimit,
    minProofLevel: options.minProofLevel ?? "none",
    allowSimulatedAttestation: options.allowSimulatedAttestation ?? false,
  };
  const responses = new WeakMap<IncomingMessage, ServerResponse>();
  /** Paths as they stand in the tables, for metrics. */
  const endpoints = new WeakMap<IncomingMessage, string>();
  let draining = false;
  /** Requests whose answers are not whole yet. */
  let atWork = 0;

  /** The key of a request, which may do what it asks for. Requests that buy are counted when they do. */
  async function keyOf(request: IncomingMessage): Promise<ApiKey> {
    const key = await keys.authenticate(request.headers);
    const { scope, buys } = scopeOf(request.method ?? "GET", pathOf(request));
    if (scope !== null) {
      requireScope(key, scope);
    }
    if (!buys) {
      const permit = await admission.enter(key, { tokens: 0, units: null });
      for (const [name, value] of Object.entries(permit.headers)) {
        responses.get(request)?.setHeader(name, value);
      }
      await permit.leave();
    }
    return key;
  }

  const routeModules: RouteModules = {
    buyer,
    asking,
    ...(modules.responses === undefined ? {} : { responses: modules.responses }),
    keyOf,
    answer: (entrance, key, request, response) =>
      complete(entrance, { ...modules, buyer }, key, request, response, { ...asking, defaults: key.policy }),
  };

  /** What a path takes whose answers are bought: from holders of a key, and from whoever pays by x402. */
  function answers(endpoint: Endpoint): Readonly<Record<string, Handler>> {
    const { seller } = modules;
    const keyless = ({ headers }: IncomingMessage) =>
      headers.authorization === undefined && headers["x-api-key"] === undefined;
    return {
      async POST(request, response) {
        if (seller !== undefined && keyless(request)) {
          await seller.sell(await readAsked(endpoint, request, asking), request, response);
        } else {
          await routeModules.answer(endpoint, await keyOf(request), request, response);
        }
      },
      ...(seller === undefined ? {} : { GET: (request, response) => seller.refund(request, response) }),
    };
  }

  function readiness(): { readonly ready: boolean; readonly status: string; readonly providers: number } {
    const providers = buyer.offers().length;
    const status = draining ? "draining" : providers > 0 ? "ready" : "no provider is online yet";
    return { ready: status === "ready", status, providers };
  }

  const routes: RouteTable = {
    "/healthz": { GET: (_, response) => sendJson(response, 200, { status: "ok" }) },
    "/readyz": {
      GET(_, response) {
        const { ready, ...view } = readiness();
        sendJson(response, ready ? 200 : 503, view);
      },
    },
    "/v1/offers": {
      async GET(request, response) {
        await keyOf(request);
        sendJson(response, 200, offerList(buyer));
      },
    },
    "/v1/receipts/:id": {
      async GET(request, response, { id }) {
        sendJson(response, 200, receiptView(buyer, await keyOf(request), requestId(id)));
      },
    },
    "/v1/requests/:id/why": {
      async GET(request, response, { id }) {
        sendJson(response, 200, whyView(buyer, await keyOf(request), digitsOf(id)));
      },
    },
    "/v1/statement": {
      GET: async (request, response) => sendStatement(buyer, await keyOf(request), request, response),
    },
    "/v1/chat/completions": answers("chat"),
    "/v1/completions": answers("completion"),
    "/v1/embeddings": answers("embedding"),
    "/v1/infer": answers("infer"),
  };
  const surface = createSurface(
    routeModules,
    modules.batches === undefined
      ? null
      : {
          ...routeModules,
          store: modules.batches,
          idempotency: modules.idempotency,
          log,
          keyNamed: async (name) =>
            (await keys.list()).find(
              (key) => key.name === name && !key.revoked && (key.expiresAt ?? Number.POSITIVE_INFINITY) > Date.now(),
            ),
          buy: (...bought) => buy({ ...modules, buyer }, ...bought),
        },
  );
  const own = ownRoutes({ buyer, keys, passes: modules.passes, feed, keyOf });
  const events = eventRoutes(feed, keyOf);
  const router = createRouter([routes, own, events.table, ...surface.tables]);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      checkHostAndOrigin(request, options.allowedHosts ?? []);
      shareWithOrigin(request, response);
      checkHeaders(request);
      const path = pathOf(request);
      const found = router.find(path);
      const method = request.method ?? "GET";
      const handler = found?.methods[method] ?? (method === "HEAD" ? headOf(found?.methods) : undefined);
      endpoints.set(request, found?.path ?? "other");
      if (found === undefined) {
        throw new DepinferError({
          code: "http.notFound",
          message: `There is no ${path} here`,
          remedy: `Use one of ${router.paths.join(", ")}`,
          metadata: { path },
        });
      }
      const methods = Object.keys(found.methods);
      if (method === "OPTIONS") {
        sendOptions(request, response, [...methods, "OPTIONS"]);
        return;
      }
      if (handler === undefined) {
        response.setHeader("allow", [...methods, "OPTIONS"].join(", "));
        throw new DepinferError({
          code: "http.methodNotAllowed",
          message: `${path} does not take ${request.method}`,
          remedy: `Use ${methods.join(" or ")}`,
        });
      }
      if (draining && path.startsWith("/v1/")) {
        throw new DepinferError({
          code: "gateway.draining",
          message: "This gateway is about to stop and takes no more requests",
          remedy: "Send the request again; another gateway answers it",
          retryable: true,
        });
      }
      responses.set(request, response);
      await handler(request, response, found.params);
    } catch (error) {
      if (/^(?:limit|budget|key)\./.test(errorCode(error) ?? "")) {
        modules.metrics?.refused(errorCode(error) ?? "");
      }
      if (!(error instanceof DepinferError)) {
        log("error", `request failed: ${errorMessage(error)}`);
      }
      // A body is read to its end, so that the connection can be used again, unless it is or may be too long for that.
      if (mayBeLongerThan(bodyLimit, request) && !response.headersSent) {
        response.setHeader("connection", "close");
      } else {
        request.resume();
      }
      sendError(response, error);
    }
  }

  const server: Server = createServer(
    {
      ...SERVER_LIMITS,
      headersTimeout: options.headersTimeout ?? SERVER_LIMITS.headersTimeout,
      requestTimeout: options.requestTimeout ?? SERVER_LIMITS.requestTimeout,
      connectionsCheckingInterval: Math.min(
        SERVER_LIMITS.connectionsCheckingInterval,
        (options.headersTimeout ?? SERVER_LIMITS.headersTimeout) / 2,
      ),
      keepAliveTimeout: 60_000,
      noDelay: true,
    },
    (request, response) => {
      atWork += 1;
      const closed = modules.metrics?.opened();
      const started = performance.now();
      response.once("close", () => {
        atWork -= 1;
        closed?.();
        const seconds = (performance.now() - started) / 1_000;
        modules.metrics?.responded(endpoints.get(request) ?? "other", response.statusCode, seconds);
      });
      if (draining) {
        response.setHeader("connection", "close");
      }
      handle(request, response).catch((error: unknown) => log("error", `response failed: ${errorMessage(error)}`));
    },
  );
  server.maxConnections = options.mostConnections ?? MOST_CONNECTIONS;

  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.port, options.host ?? "127.0.0.1", () => {
          server.removeListener("error", reject);
          surface.start().then(resolve, reject);
        });
      }),
    drain() {
      draining = true;
      events.close();
    },
    async stop(drainMs = DRAIN_MS) {
      await surface.stop();
      draining = true;
      events.close();
      const deadline = Date.now() + drainMs;
      while (atWork > 0 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
    get port() {
      const address = server.address();
      return address !== null && typeof address === "object" ? address.port : options.port;
    },
  };
}

/** Node leaves the body of an answer to `HEAD` out. What also takes `POST` may do more at `GET` than look. */
function headOf(methods: Readonly<Record<string, Handler>> = {}): Handler | undefined {
  return methods.POST === undefined ? methods.GET : undefined;
}

function mayBeLongerThan(limit: number, { complete, headers }: IncomingMessage): boolean {
  return !complete && (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > limit);
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

function requestId(text: string | undefined): Hex {
  const id = bytes32Schema.safeParse(text);
  if (!id.success) {
    throw notAnId(text);
  }
  return id.data;
}

function digitsOf(text: string | undefined): string {
  const digits = whyPath(`/v1/requests/${text}/why`);
  if (digits === null) {
    throw notAnId(text);
  }
  return digits;
}

function notAnId(text: string | undefined): DepinferError {
  return new DepinferError({
    code: "http.notFound",
    message: `${JSON.stringify((text ?? "").slice(0, 80))} is not the id of a request`,
    remedy: "Pass the value of the x-depinfer-receipt header or the completion's id",
  });
}
