import { apiErrorSchema, type Endpoint } from "@depinfer/protocol/api";
import type { z } from "zod";
import { type ApiName, otherVersion, refused, unreachable } from "./errors.ts";

/** Where an API is and who asks. */
export interface Server {
  readonly api: ApiName;
  /** Without a slash at the end; empty for this page's own origin. */
  readonly url: string;
  /** API key of the gateway. */
  readonly apiKey?: string | null;
}

export interface CallParameters<Query, Body> {
  /** Values of the path's named parts. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly body?: Body;
  readonly signal?: AbortSignal;
}

/**
 * Asks an endpoint and checks what comes back against its schema.
 *
 * @throws DepinferError `api.unreachable`, `api.otherVersion`, or the server's own code; AbortError when aborted.
 */
export async function call<Query extends z.ZodType, Answer extends z.ZodType, Body extends z.ZodType>(
  server: Server,
  endpoint: Endpoint<Query, Answer, Body>,
  { params = {}, query, body, signal }: CallParameters<z.input<Query>, z.input<Body>> = {},
): Promise<z.output<Answer>> {
  const path = `${fillPath(endpoint.path, params)}${queryText(query)}`;
  const response = await request(server, path, {
    method: endpoint.method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body, digits), headers: { "content-type": "application/json" } }),
    ...(signal === undefined ? {} : { signal }),
  });
  const json = await readJson(server.api, path, response);
  const parsed = endpoint.answer.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw otherVersion(server.api, path, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not understood"}`);
  }
  return parsed.data;
}

/**
 * Sends a request and returns the response if it is a good one; its body is not read.
 *
 * @throws like `call`.
 */
export async function request(server: Server, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (server.apiKey !== undefined && server.apiKey !== null) {
    headers.set("authorization", `Bearer ${server.apiKey}`);
  }
  const response = await fetch(`${server.url}${path}`, { ...init, headers, credentials: "omit" }).catch(
    (cause: unknown) => {
      throw init.signal?.aborted === true ? cause : unreachable(server.api, server.url || location.origin, cause);
    },
  );
  if (response.ok) {
    return response;
  }
  const parsed = apiErrorSchema.safeParse(await response.json().catch(() => null));
  throw refused(
    server.api,
    response.status,
    parsed.success
      ? parsed.data.error
      : { code: null, message: `The answer to ${path} was ${response.status} ${response.statusText}` },
  );
}

/** `/providers/:provider` with its parts filled in and encoded. */
export function fillPath(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
}

function queryText(query: unknown): string {
  if (typeof query !== "object" || query === null) {
    return "";
  }
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return entries.length === 0 ? "" : `?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)]))}`;
}

async function readJson(api: ApiName, path: string, response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") {
      throw cause;
    }
    throw otherVersion(api, path, "the answer is not JSON");
  }
}

function digits(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
