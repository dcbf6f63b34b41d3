import type { IncomingMessage, ServerResponse } from "node:http";

/** What is remembered for readers that come back. */
const REMEMBERED = 1_000;
const MOST_READERS = 256;
/** A reader that has not taken so many bytes is cut off: it comes back by itself and asks for what it missed. */
const MOST_UNREAD = 1_048_576;
/** Proxies close what is silent. */
const HEARTBEAT_MS = 15_000;
/** How soon browsers come back. */
const RETRY_MS = 2_000;

interface Told {
  readonly id: number;
  readonly text: string;
}

/** Tells readers of `GET /events` what happens (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface EventHub {
  /** Ids grow from the process's start on, so that those of an earlier process are not mistaken for its own. */
  publish(event: string, data: unknown): void;
  /** Takes over the response; false, and nothing is done, when there are too many readers. */
  subscribe(request: IncomingMessage, response: ServerResponse): boolean;
  close(): void;
}

export function createEventHub(startedAt: number): EventHub {
  let id = startedAt * 1_000;
  const ring: Told[] = [];
  const readers = new Set<ServerResponse>();

  function send(response: ServerResponse, text: string): void {
    if (response.writableLength > MOST_UNREAD) {
      readers.delete(response);
      response.destroy();
      return;
    }
    response.write(text);
  }

  const heartbeat = setInterval(() => {
    for (const reader of readers) {
      send(reader, ": here\n\n");
    }
  }, HEARTBEAT_MS);
  heartbeat.unref();

  /** What a reader missed, or a `reset` where that is not known any more. */
  function missed(last: number): string {
    const oldest = ring[0]?.id ?? id + 1;
    if (last > id || last < oldest - 1) {
      return `event: reset\nid: ${id}\ndata: {}\n\n`;
    }
    return ring
      .filter((told) => told.id > last)
      .map(({ text }) => text)
      .join("");
  }

  return {
    publish(event, data) {
      id += 1;
      const json = JSON.stringify(data, (_key, value: unknown) =>
        typeof value === "bigint" ? value.toString() : value,
      );
      const text = `event: ${event}\nid: ${id}\ndata: ${json}\n\n`;
      ring.push({ id, text });
      if (ring.length > REMEMBERED) {
        ring.shift();
      }
      for (const reader of readers) {
        send(reader, text);
      }
    },
    subscribe(request, response) {
      if (readers.size >= MOST_READERS) {
        return false;
      }
      const last = /^\d{1,16}$/.exec(String(request.headers["last-event-id"] ?? ""))?.[0];
      response.writeHead(200, {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "access-control-allow-origin": "*",
      });
      response.write(`retry: ${RETRY_MS}\n\n${last === undefined ? "" : missed(Number(last))}`);
      readers.add(response);
      response.on("close", () => readers.delete(response));
      return true;
    },
    close() {
      clearInterval(heartbeat);
      for (const reader of readers) {
        reader.destroy();
      }
      readers.clear();
    },
  };
}
