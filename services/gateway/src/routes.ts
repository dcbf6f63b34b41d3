import type { IncomingMessage, ServerResponse } from "node:http";
import type { Buyer } from "@depinfer/client";
import type { AskedOptions, Entrance } from "./asked.ts";
import type { ApiKey } from "./keys.ts";
import type { ResponseStore } from "./responses/response-store.ts";

export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  params: Readonly<Record<string, string>>,
) => Promise<void> | void;

/** Handlers by path and method. A part of a path that begins with a colon stands for any text, under its name. */
export type RouteTable = Readonly<Record<string, Readonly<Record<string, Handler>>>>;

/** What the endpoints have to work with. */
export interface RouteModules {
  readonly buyer: Buyer;
  /** Keeps responses that can be gone on from; without it none are. */
  readonly responses?: ResponseStore;
  readonly asking: AskedOptions;
  /** The key of a request, if it may do what the request's path is for. @throws DepinferError `key.…`. */
  keyOf(request: IncomingMessage): Promise<ApiKey>;
  /** Buys the answer to a request and sends it. */
  answer(entrance: Entrance, key: ApiKey, request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** The handlers of a path, with what stands in its named parts. */
export interface Found {
  /** As it stands in its table. */
  readonly path: string;
  readonly methods: Readonly<Record<string, Handler>>;
  readonly params: Readonly<Record<string, string>>;
}

export interface Router {
  find(path: string): Found | undefined;
  /** For telling which paths there are. */
  readonly paths: readonly string[];
}

export function createRouter(tables: readonly RouteTable[]): Router {
  const routes = tables.flatMap((table) => Object.entries(table));
  const exact = new Map(routes.filter(([path]) => !path.includes(":")));
  const patterns = routes
    .filter(([path]) => path.includes(":"))
    .map(([path, methods]) => ({
      path,
      pattern: new RegExp(`^${path.replaceAll(/:(\w+)/g, "(?<$1>[^/]+)")}$`),
      methods,
    }));
  return {
    paths: routes.map(([path]) => path),
    find(path) {
      const methods = exact.get(path);
      if (methods !== undefined) {
        return { path, methods, params: {} };
      }
      for (const one of patterns) {
        const match = one.pattern.exec(path);
        if (match !== null) {
          return { path: one.path, methods: one.methods, params: decoded(match.groups ?? {}) };
        }
      }
      return undefined;
    },
  };
}

function decoded(groups: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decode(value)]));
}

/** A part of a path that is no valid encoding stands for itself. */
function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
