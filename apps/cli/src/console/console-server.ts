import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { checkHeaders, checkHostAndOrigin, createRouter, type RouteTable, SERVER_LIMITS } from "@depinfer/gateway/http";
import { DepinferError, errorMessage, type Log } from "@depinfer/protocol";
import { API_VERSION, type ConsoleConfig } from "@depinfer/protocol/api";
import { sendError, sendJson } from "./answer.ts";
import type { AppFiles } from "./app-files.ts";
import { checkSameOrigin, isFromThisMachine } from "./guard.ts";
import { contentSecurityPolicy, setSecurityHeaders } from "./security-headers.ts";

export interface ConsoleModules {
  readonly files: AppFiles;
  /** What stands below `/api/`. */
  readonly routes: readonly RouteTable[];
  readonly log: Log;
}

export interface ConsoleOptions {
  readonly host: string;
  readonly port: number;
  /** Host names besides localhost under which the page may be opened. */
  readonly allowedHosts: readonly string[];
  /** Told to the page; key and wallet only to a browser on this machine. */
  readonly config: ConsoleConfig;
}

/** Serves the dashboard and what it asks of this machine, on one origin. */
export interface Console {
  /** @throws the listening socket's error. */
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly port: number;
}

const MOST_CONNECTIONS = 256;

export function createConsole({ files, routes, log }: ConsoleModules, options: ConsoleOptions): Console {
  const { config } = options;
  const policy = contentSecurityPolicy({
    gatewayUrl: config.gatewayUrl ?? null,
    indexerUrl: config.indexerUrl ?? null,
    rpcUrl: config.rpcUrl ?? null,
  });
  const own: RouteTable = {
    "/config.json": {
      GET(request, response) {
        const secrets = isFromThisMachine(request) ? {} : { apiKey: null, testWallet: false };
        sendJson(response, 200, { ...config, ...secrets });
      },
    },
    "/api/version": {
      GET: (_, response) =>
        sendJson(response, 200, { api: "depinfer-console", version: API_VERSION, time: Date.now() }),
    },
  };
  const router = createRouter([own, ...routes]);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setSecurityHeaders(response, policy);
    try {
      checkHostAndOrigin(request, options.allowedHosts, "dashboard");
      checkHeaders(request);
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
      const found = router.find(path);
      if (found === undefined && !path.startsWith("/api/") && method === "GET") {
        files.serve(request, response);
        return;
      }
      checkSameOrigin(request);
      const handler = found?.methods[method];
      if (found === undefined || handler === undefined) {
        throw new DepinferError({
          code: found === undefined ? "http.notFound" : "http.methodNotAllowed",
          message: `There is no ${request.method} ${path.slice(0, 200)} here`,
          remedy: `Use one of ${router.paths.join(", ")}`,
        });
      }
      await handler(request, response, found.params);
    } catch (error) {
      if (!(error instanceof DepinferError)) {
        log("error", `request failed: ${errorMessage(error)}`);
      }
      if (!request.complete) {
        response.setHeader("connection", "close");
      }
      sendError(response, error);
    }
  }

  const server = createServer(SERVER_LIMITS, (request, response) => {
    handle(request, response).catch((error: unknown) => log("error", `response failed: ${errorMessage(error)}`));
  });
  server.maxConnections = MOST_CONNECTIONS;

  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.port, options.host, () => {
          server.removeListener("error", reject);
          resolve();
        });
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    get port() {
      const address = server.address();
      return address !== null && typeof address === "object" ? address.port : options.port;
    },
  };
}
