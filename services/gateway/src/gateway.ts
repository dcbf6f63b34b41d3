import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Buyer } from "@depinfer/client";
import {
  bytes32Schema,
  DepinferError,
  type Endpoint,
  errorMessage,
  type Log,
  type MinimumLevel,
} from "@depinfer/protocol";
import { type AskedOptions, readAsked } from "./asked.ts";
import { complete } from "./complete.ts";
import { sendError, sendJson } from "./http-error.ts";
import { checkHostAndOrigin } from "./http-guard.ts";
import type { Idempotency } from "./idempotency.ts";
import type { Keys } from "./keys.ts";
import type { PassDesk } from "./passes.ts";
import { sendStatement } from "./statement.ts";
import { modelList, offerList, receiptList, receiptView } from "./views.ts";
import type { Seller } from "./x402/seller.ts";

export interface GatewayModules {
  readonly buyer: Buyer;
  readonly keys: Keys;
  readonly idempotency: Idempotency;
  /** Lets passes pay for the requests of keys that they are bound to. */
  readonly passes?: PassDesk;
  /** Sells to whoever pays by x402; without it every request needs a key. */
  readonly seller?: Seller;
  readonly log: Log;
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
}

/** A running OpenAI-compatible endpoint. */
export interface Gateway {
  /** @throws the listening socket's error, `EADDRINUSE` say. */
  start(): Promise<void>;
  /** Stops listening, lets streams finish for a moment, then closes them. */
  stop(): Promise<void>;
  readonly port: number;
}

const BODY_LIMIT = 1_048_576;
const DRAIN_MS = 2_000;

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

export function createGateway(modules: GatewayModules, options: GatewayOptions): Gateway {
  const { buyer, keys, log } = modules;
  const bodyLimit = options.bodyLimit ?? BODY_LIMIT;
  const asking: AskedOptions = {
    bodyLimit,
    minProofLevel: options.minProofLevel ?? "none",
    allowSimulatedAttestation: options.allowSimulatedAttestation ?? false,
  };
  const keyOf = (request: IncomingMessage) => keys.authenticate(request.headers.authorization);

  /** What a path takes whose answers are bought: from holders of a key, and from whoever pays by x402. */
  function answers(endpoint: Endpoint): Readonly<Record<string, Handler>> {
    const { seller } = modules;
    const keyless = ({ headers }: IncomingMessage) => headers.authorization === undefined;
    return {
      async POST(request, response) {
        if (seller !== undefined && keyless(request)) {
          await seller.sell(await readAsked(endpoint, request, asking), request, response);
        } else {
          await complete(endpoint, modules, keyOf(request), request, response, asking);
        }
      },
      ...(seller === undefined ? {} : { GET: (request, response) => seller.refund(request, response) }),
    };
  }

  const routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
    "/healthz": { GET: (_, response) => sendJson(response, 200, { status: "ok" }) },
    "/readyz": {
      GET: (_, response) => {
        const providers = buyer.offers().length;
        sendJson(response, providers > 0 ? 200 : 503, {
          status: providers > 0 ? "ready" : "no provider is online yet",
          providers,
        });
      },
    },
    "/v1/models": {
      GET: (request, response) => {
        keyOf(request);
        sendJson(response, 200, modelList(buyer));
      },
    },
    "/v1/offers": {
      GET: (request, response) => {
        keyOf(request);
        sendJson(response, 200, offerList(buyer));
      },
    },
    "/v1/receipts": { GET: (request, response) => sendJson(response, 200, receiptList(buyer, keyOf(request), 1_000)) },
    "/v1/statement": { GET: (request, response) => sendStatement(buyer, keyOf(request), request, response) },
    "/v1/chat/completions": answers("chat"),
    "/v1/completions": answers("completion"),
    "/v1/infer": answers("infer"),
  };

  function receiptRoute(path: string): Readonly<Record<string, Handler>> | undefined {
    const id = bytes32Schema.safeParse(/^\/v1\/receipts\/(.+)$/.exec(path)?.[1]);
    return id.success
      ? { GET: (request, response) => sendJson(response, 200, receiptView(buyer, keyOf(request), id.data)) }
      : undefined;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      checkHostAndOrigin(request, options.allowedHosts ?? []);
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      const methods = routes[path] ?? receiptRoute(path);
      const handler = methods?.[request.method ?? "GET"];
      if (methods === undefined) {
        throw new DepinferError({
          code: "http.notFound",
          message: `There is no ${path} here`,
          remedy: `Use one of ${Object.keys(routes).join(", ")}`,
          metadata: { path },
        });
      }
      if (handler === undefined) {
        throw new DepinferError({
          code: "http.methodNotAllowed",
          message: `${path} does not take ${request.method}`,
          remedy: `Use ${Object.keys(methods).join(" or ")}`,
        });
      }
      await handler(request, response);
    } catch (error) {
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

  const server: Server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
    handle(request, response).catch((error: unknown) => log("error", `response failed: ${errorMessage(error)}`));
  });

  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.port, options.host ?? "127.0.0.1", () => {
          server.removeListener("error", reject);
          resolve();
        });
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref();
      }),
    get port() {
      const address = server.address();
      return address !== null && typeof address === "object" ? address.port : options.port;
    },
  };
}

function mayBeLongerThan(limit: number, { complete, headers }: IncomingMessage): boolean {
  return !complete && (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > limit);
}
