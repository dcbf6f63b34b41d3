import type { ServerResponse } from "node:http";

/** Events of one answer, as https://html.spec.whatwg.org/multipage/server-sent-events.html has them. */
export interface EventWriter {
  /** Amounts become digits. Nothing happens once the client is gone. */
  send(event: string, data: unknown): void;
  end(): void;
  /** Aborted when the client goes away before the end. */
  readonly gone: AbortSignal;
}

/** Proxies on the way close connections on which nothing is said for 30 or 60 seconds. */
const SILENCE_MS = 15_000;

export function createEventWriter(response: ServerResponse): EventWriter {
  const gone = new AbortController();
  const timer = setInterval(() => response.write(": still working\n\n"), SILENCE_MS);
  response.once("close", () => {
    clearInterval(timer);
    if (!response.writableEnded) {
      gone.abort(new Error("the client is gone"));
    }
  });
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" });
  response.flushHeaders();
  return {
    gone: gone.signal,
    send(event, data) {
      if (!gone.signal.aborted && !response.writableEnded) {
        const json = JSON.stringify(data, (_name, value: unknown) =>
          typeof value === "bigint" ? value.toString() : value,
        );
        response.write(`event: ${event}\ndata: ${json}\n\n`);
      }
    },
    end() {
      clearInterval(timer);
      response.end();
    },
  };
}
