/** One event of a server-sent stream. */
export interface StreamEvent {
  /** `message` when the server names none. */
  readonly event: string;
  readonly data: string;
  readonly id: string | null;
}

/** Longest line that is taken; more is no stream of ours. */
const MOST_LINE = 8 * 1024 * 1024;

/**
 * The events of a response as they come (https://html.spec.whatwg.org/multipage/server-sent-events.html). The browser's
 * EventSource can neither POST nor send a key, so that answers and a key's own events are read with this.
 *
 * @throws RangeError for a line above 8 MiB; what reading the body throws.
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  let open: { event: string; data: string[]; id: string | null } = blank();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value ?? new Uint8Array(), { stream: !done });
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      if (rest.length > MOST_LINE) {
        throw new RangeError("a line of the stream is too long");
      }
      for (const line of lines) {
        if (line === "") {
          if (open.data.length > 0) {
            yield { event: open.event, data: open.data.join("\n"), id: open.id };
          }
          open = blank();
        } else {
          take(open, line);
        }
      }
      if (done) {
        return;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function blank(): { event: string; data: string[]; id: string | null } {
  return { event: "message", data: [], id: null };
}

function take(open: { event: string; data: string[]; id: string | null }, line: string): void {
  const colon = line.indexOf(":");
  const field = colon === -1 ? line : line.slice(0, colon);
  const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (field === "data") {
    open.data.push(value);
  } else if (field === "event") {
    open.event = value;
  } else if (field === "id") {
    open.id = value;
  }
}
