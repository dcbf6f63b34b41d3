import type { Reply } from "./reply.ts";

/** Proxies on the way close connections on which nothing is said for 30 or 60 seconds. */
const SILENCE_MS = 15_000;

/** A reply of server-sent events that is never silent for long. */
export interface EventStream {
  readonly begun: boolean;
  readonly closed: boolean;
  /** Calls `open` once when nothing has begun by the time that a client should be told that work goes on. */
  onSilence(open: () => void): void;
  /** Chooses the headers. They are sent with the first event. */
  begin(headers: Readonly<Record<string, string>>): void;
  /** Sends whole events. A returned promise holds the writer back until the client has caught up. */
  write(events: string): Promise<void> | undefined;
  end(events: string): Promise<void>;
  breakOff(events: string): void;
  /** Nothing will be sent any more. */
  stop(): void;
}

export interface EventStreamOptions {
  /** What is sent into a silence: a comment, or an event that means nothing. */
  readonly beat: string;
  readonly silenceMs?: number;
}

/** A comment, which every reader of server-sent events skips. */
export const COMMENT_BEAT = ": still working\n\n";

export function eventStream(reply: Reply, { beat, silenceMs = SILENCE_MS }: EventStreamOptions): EventStream {
  let timer: NodeJS.Timeout | undefined;
  let held = false;

  function stop(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  function tick(): void {
    // A client that does not read is not told to wait: its bytes would only pile up.
    if (reply.closed) {
      stop();
    } else if (!held) {
      write(beat);
    }
  }

  function write(events: string): Promise<void> | undefined {
    timer?.refresh();
    const full = reply.write(events);
    if (full === undefined) {
      return undefined;
    }
    held = true;
    return full.finally(() => {
      held = false;
    });
  }

  return {
    get begun() {
      return reply.begun;
    },
    get closed() {
      return reply.closed;
    },
    onSilence(open) {
      timer ??= setTimeout(open, silenceMs);
    },
    begin(headers) {
      clearTimeout(timer);
      reply.begin({
        status: 200,
        headers: {
          ...headers,
          "content-type": "text/event-stream; charset=utf-8",
          "cache-control": "no-cache",
          "x-accel-buffering": "no",
        },
      });
      timer = setInterval(tick, silenceMs);
    },
    write,
    end(events) {
      stop();
      return reply.end(events);
    },
    breakOff(events) {
      stop();
      reply.breakOff(events);
    },
    stop,
  };
}
