import type { IncomingMessage, ServerResponse } from "node:http";

/* Browsers let a page read an answer only where the answer says so (https://fetch.spec.whatwg.org/#http-cors-protocol). */

/** Lets the page that asks read what it gets, after its origin was found to be allowed. No cookies are taken from it. */
export function shareWithOrigin({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
  if (origin !== undefined) {
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("access-control-expose-headers", "*");
    response.setHeader("vary", "origin");
  }
}

/** Seconds for which a browser need not ask again. */
const PREFLIGHT_AGE = 600;

/** Answers `OPTIONS`: what a path takes, and to a browser that it may send it. */
export function sendOptions({ headers }: IncomingMessage, response: ServerResponse, methods: readonly string[]): void {
  const allow = methods.join(", ");
  response.setHeader("allow", allow);
  if (headers.origin !== undefined) {
    response.setHeader("access-control-allow-methods", allow);
    response.setHeader("access-control-allow-headers", headers["access-control-request-headers"] ?? "*");
    response.setHeader("access-control-max-age", PREFLIGHT_AGE);
  }
  response.writeHead(204).end();
}
