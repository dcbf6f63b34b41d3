import type { ServerResponse } from "node:http";
import { DepinferError } from "@depinfer/protocol";

/** Statuses of what can go wrong; whatever is not here is a failure of the console itself. */
const STATUS: Readonly<Record<string, number>> = {
  "http.notFound": 404,
  "http.methodNotAllowed": 405,
  "http.hostNotAllowed": 421,
  "http.originNotAllowed": 403,
  "http.tooManyHeaders": 431,
  "request.invalid": 400,
  "request.malformed": 400,
  "request.encoded": 415,
  "request.notJson": 415,
  "request.tooLarge": 413,
  "benchmark.unknown": 404,
  "console.noWallet": 404,
  "console.noNetwork": 404,
  "console.notLocal": 403,
  "wallet.none": 404,
  "verify.busy": 429,
  "chain.unreachable": 503,
};

/** What `apiErrorSchema` describes. */
export interface ErrorView {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** An error as it is told to a page. What nobody foresaw is told without its words: they may hold paths and keys. */
export function errorView(error: unknown): ErrorView {
  return error instanceof DepinferError
    ? { code: error.code, message: error.message, remedy: error.remedy }
    : { code: "internal", message: "The console failed at this", remedy: "Read its log for the reason" };
}

export function sendError(response: ServerResponse, error: unknown): void {
  const view = errorView(error);
  const headers = view.code === "verify.busy" ? { "retry-after": "5" } : {};
  sendJson(response, STATUS[view.code] ?? 500, { error: view }, headers);
}

/** Amounts become digits. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const bytes = Buffer.from(
    JSON.stringify(body, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value)),
  );
  response.writeHead(status, {
    "cache-control": "no-store",
    ...headers,
    "content-type": "application/json",
    "content-length": bytes.length,
  });
  response.end(bytes);
}
