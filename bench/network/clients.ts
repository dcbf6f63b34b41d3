import { createHost, type Link, type TransportName } from "@depinfer/network";
import { FrameType } from "@depinfer/protocol";
import { Pool } from "undici";
import { BenchError } from "../bench-error.ts";

/** Sends one request and resolves with the number of bytes of its answer. */
export interface Client {
  ask(request: Buffer): Promise<number>;
  close(): Promise<void>;
}

/** Our frames on one long-lived stream. */
export async function framesClient(addresses: readonly string[], transport: TransportName): Promise<Client> {
  const host = createHost({}, { seed: seedFor(transport), role: "gateway", listen: [], discovery: false });
  await host.start();
  const wanted = transport === "quic" ? "/udp/" : "/tcp/";
  const link = await host.dial(addresses.filter((address) => address.includes(wanted)));
  if (link.transport !== transport) {
    throw new BenchError({
      code: "bench.wrongTransport",
      message: `The link runs over ${link.transport} and ${transport} was to be measured`,
      remedy: "Check which transports this platform has",
    });
  }
  return { ask: (request) => askFrames(link, request), close: () => host.stop() };
}

/** Each transport is a peer of its own: two links of one pair of peers would become one. */
function seedFor(transport: TransportName): Uint8Array {
  return new Uint8Array(32).fill(transport === "quic" ? 3 : 4);
}

function askFrames(link: Link, request: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const exchange = link.open(request);
    let bytes = 0;
    exchange.onFrame((type, payload) => {
      if (type === FrameType.DATA) {
        bytes += payload.length;
      }
    });
    exchange.onClose((outcome) =>
      outcome.kind === "ended" ? resolve(bytes) : reject(outcome.kind === "failed" ? outcome.error : broken()),
    );
  });
}

/** HTTP/1.1 with kept connections, by the leanest call of undici. */
export function httpClient(origin: string): Client {
  const pool = new Pool(origin, { connections: 64, pipelining: 1 });
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        let bytes = 0;
        pool.dispatch(
          { path: "/", method: "POST", body: request },
          {
            onRequestStart: () => undefined,
            onResponseStart: () => undefined,
            onResponseData: (_controller, chunk) => {
              bytes += chunk.length;
            },
            onResponseEnd: () => resolve(bytes),
            onResponseError: (_controller, error) => reject(error),
          },
        );
      }),
    close: () => pool.close(),
  };
}

function broken(): BenchError {
  return new BenchError({
    code: "bench.cancelled",
    message: "The other side cancelled a request",
    remedy: "Run the benchmark again",
  });
}
