import type { IncomingMessage, ServerResponse } from "node:http";
import { DepinferError } from "@depinfer/protocol";
import { GATEWAY_EVENTS_PATH } from "@depinfer/protocol/api";
import type { ApiKey } from "../keys.ts";
import type { RouteTable } from "../routes.ts";
import type { Feed, FeedEvent } from "./feed.ts";

/** Streams that stay open. A gateway that drains ends them: they wait for nothing. */
export interface EventRoutes {
  readonly table: RouteTable;
  close(): void;
}

const MOST_STREAMS = 256;
const MOST_OF_ACCOUNT = 16;
/** Bytes that wait for a client; one that does not read is let go, and asks again when it does. */
const MOST_WAITING = 262_144;
const BEAT_MS = 15_000;

/** `GET /v1/events`: what happens to the requests of a key, as it happens. */
export function eventRoutes(feed: Feed, keyOf: (request: IncomingMessage) => Promise<ApiKey>): EventRoutes {
  const open = new Map<ServerResponse, string>();

  function write(response: ServerResponse, text: string): void {
    if (response.writableLength + text.length > MOST_WAITING) {
      response.destroy();
    } else {
      response.write(text);
    }
  }

  function begin(response: ServerResponse, account: string): void {
    const ofAccount = [...open.values()].filter((other) => other === account).length;
    if (open.size >= MOST_STREAMS || ofAccount >= MOST_OF_ACCOUNT) {
      throw new DepinferError({
        code: "events.tooMany",
        message: `${ofAccount} streams of events are open under this key, and ${open.size} in all`,
        remedy: "Close one first, or share one between pages",
        retryable: true,
      });
    }
    open.set(response, account);
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
    });
    write(response, ": begun\n\n");
    const end = feed.subscribe(account, (event) => write(response, eventText(event)));
    const beat = setInterval(() => write(response, ": nothing new\n\n"), BEAT_MS);
    response.once("close", () => {
      clearInterval(beat);
      end();
      open.delete(response);
    });
  }

  return {
    table: {
      [GATEWAY_EVENTS_PATH]: {
        async GET(request, response) {
          const { name } = await keyOf(request);
          begin(response, name);
        },
      },
    },
    close() {
      for (const response of open.keys()) {
        response.end();
      }
    },
  };
}

function eventText({ name, data }: FeedEvent): string {
  const json = JSON.stringify(data, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
  return `event: ${name}\ndata: ${json}\n\n`;
}
