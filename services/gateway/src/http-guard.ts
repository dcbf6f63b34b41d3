import type { IncomingMessage } from "node:http";
import { DepinferError } from "@depinfer/protocol";

/**
 * What a server takes of a client that is slow or wants too much: a head of 16 KiB within ten seconds and a whole body
 * within two minutes. Node closes what takes longer, looking every few seconds.
 */
export const SERVER_LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  requestTimeout: 120_000,
  connectionsCheckingInterval: 2_000,
} as const;

const MOST_HEADERS = 100;

/** @throws DepinferError `http.tooManyHeaders`. */
export function checkHeaders({ rawHeaders }: IncomingMessage): void {
  const count = rawHeaders.length / 2;
  if (count > MOST_HEADERS) {
    throw new DepinferError({
      code: "http.tooManyHeaders",
      message: `The request has ${count} headers`,
      remedy: `Send at most ${MOST_HEADERS}`,
      metadata: { count },
    });
  }
}

const LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Refuses requests for hosts and from web pages that are not allowed: a page on the open web must not reach a gateway
 * on the visitor's machine, whatever name its DNS gives to 127.0.0.1.
 *
 * @param server how the server calls itself to who is refused.
 * @throws DepinferError `http.hostNotAllowed` or `http.originNotAllowed`.
 */
export function checkHostAndOrigin(
  request: IncomingMessage,
  allowedHosts: readonly string[],
  server = "gateway",
): void {
  const allowed = [...LOCAL_HOSTS, ...allowedHosts];
  const host = request.headers.host ?? "";
  if (!allowed.includes(hostName(host))) {
    throw new DepinferError({
      code: "http.hostNotAllowed",
      message: `The host ${JSON.stringify(host)} is not one that this ${server} answers for`,
      remedy: `Start the ${server} with --allow-host and this name`,
      metadata: { host },
    });
  }
  const { origin } = request.headers;
  if (origin !== undefined && (!URL.canParse(origin) || !allowed.includes(hostName(new URL(origin).host)))) {
    throw new DepinferError({
      code: "http.originNotAllowed",
      message: `Pages from ${JSON.stringify(origin)} may not use this ${server}`,
      remedy: `Start the ${server} with --allow-host and the page's host name`,
      metadata: { origin },
    });
  }
}

/** Whether a host is this machine by a name that only it has. */
export function isLocalHost(host: string): boolean {
  return LOCAL_HOSTS.includes(hostName(host));
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

/**
 * The request's body.
 *
 * @throws DepinferError `request.tooLarge` above `limit` bytes, before the rest is read; `request.encoded` for one that is
 *   compressed, which a few bytes could make endless.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new DepinferError({
      code: "request.encoded",
      message: `The body is encoded as ${JSON.stringify(encoding)}`,
      remedy: "Send it as it is, without content-encoding",
      metadata: { param: "content-encoding" },
    });
  }
  const announced = Number(request.headers["content-length"] ?? 0);
  const chunks: Buffer[] = [];
  let length = 0;
  if (announced <= limit) {
    // Without destroyOnReturn a body that is too large would end the connection before the error is sent.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      if (chunk instanceof Buffer) {
        length += chunk.length;
        chunks.push(chunk);
      }
      if (length > limit) {
        break;
      }
    }
  }
  if (announced > limit || length > limit) {
    throw new DepinferError({
      code: "request.tooLarge",
      message: `The body has more than ${limit} bytes`,
      remedy: "Send a shorter prompt",
      metadata: { limit },
    });
  }
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}
