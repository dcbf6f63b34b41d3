import type { IncomingMessage } from "node:http";
import { checkDepth, isLocalHost, readBody } from "@depinfer/gateway/http";
import { DepinferError } from "@depinfer/protocol";
import { z } from "zod";

/**
 * Refuses what another page made a browser send: the console verifies and signs for its own page alone, so it never says
 * that others may read, and does nothing for them either.
 *
 * @throws DepinferError `http.originNotAllowed`.
 */
export function checkSameOrigin({ headers }: IncomingMessage): void {
  const site = headers["sec-fetch-site"] ?? "none";
  const { origin, host } = headers;
  const own = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
  if (!own || !["same-origin", "none"].includes(String(site))) {
    throw new DepinferError({
      code: "http.originNotAllowed",
      message: `The console answers its own page, not ${JSON.stringify(origin ?? "another site's")}`,
      remedy: "Open the dashboard at the console's own address",
      metadata: { origin: origin ?? "" },
    });
  }
}

/** Whether somebody on this very machine asks: keys and wallets are for nobody else, whatever interface is listened on. */
export function isFromThisMachine({ socket, headers }: IncomingMessage): boolean {
  const address = socket.remoteAddress ?? "";
  return /^(::ffff:)?127\.|^::1$/.test(address) && isLocalHost(headers.host ?? "");
}

/**
 * The JSON of a body.
 *
 * @throws DepinferError `request.notJson`, `request.invalid`, `request.malformed`, `request.tooLarge` or `request.encoded`.
 */
export async function readJson<Schema extends z.ZodType>(
  request: IncomingMessage,
  schema: Schema,
  limit: number,
): Promise<z.output<Schema>> {
  // A page elsewhere can send any text without asking, but not under this type.
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
    throw new DepinferError({
      code: "request.notJson",
      message: `The body is said to be ${JSON.stringify(request.headers["content-type"] ?? "nothing")}`,
      remedy: "Send JSON with the content-type application/json",
    });
  }
  const bytes = await readBody(request, limit);
  checkDepth(bytes);
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    throw invalid("the body is not JSON");
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    throw invalid(z.prettifyError(parsed.error).slice(0, 1_000));
  }
  return parsed.data;
}

function invalid(why: string): DepinferError {
  return new DepinferError({
    code: "request.invalid",
    message: `The request cannot be followed: ${why}`,
    remedy: "Change it as the message says",
  });
}

/** Whether a server is on this machine. */
export function isLocalUrl(url: string): boolean {
  return isLocalHost(new URL(url).host);
}

/** @throws DepinferError `console.notLocal`. */
export function requireThisMachine(request: IncomingMessage): void {
  if (!isFromThisMachine(request)) {
    throw new DepinferError({
      code: "console.notLocal",
      message: "This is shown and done only for browsers on the console's own machine",
      remedy: "Open the dashboard there, as http://127.0.0.1 and its port",
    });
  }
}
