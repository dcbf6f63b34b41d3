import type { ServerResponse } from "node:http";

/** Status and headers of a response. */
export interface ReplyHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A whole response. */
export interface WholeReply extends ReplyHead {
  readonly body: Uint8Array;
}

/**
 * Where an answer is written. Some replies go straight to the client, some are kept for a second time, some are held
 * back until they are paid; whoever writes need not know.
 */
export interface Reply {
  /** Whether the client may have seen something, so that the status cannot change any more. */
  readonly begun: boolean;
  /** Nobody reads any more. */
  readonly closed: boolean;
  /** Chooses status and headers. They are sent with the first piece. */
  begin(head: ReplyHead): void;
  /** Sends a piece. A returned promise holds the writer back until the client has caught up. */
  write(text: string): Promise<void> | undefined;
  /** Sends the last piece of an answer that is whole. @throws when what has to happen before cannot. */
  end(text: string): Promise<void>;
  /** Sends the last piece of an answer that broke off. */
  breakOff(text: string): void;
}

/** A reply straight to the client. */
export function httpReply(response: ServerResponse): Reply {
  let head: ReplyHead | null = null;

  function open(contentLength: number | null): void {
    if (head !== null && !response.headersSent) {
      response.writeHead(head.status, {
        ...head.headers,
        ...(contentLength === null ? {} : { "content-length": contentLength }),
      });
    }
  }

  function finish(text: string): void {
    if (!response.destroyed) {
      open(Buffer.byteLength(text));
      response.end(text);
    }
  }

  return {
    get begun() {
      return response.headersSent;
    },
    get closed() {
      return response.destroyed;
    },
    begin(chosen) {
      head = chosen;
    },
    write(text) {
      if (response.destroyed) {
        return undefined;
      }
      open(null);
      return response.write(text) ? undefined : drained(response);
    },
    async end(text) {
      finish(text);
    },
    breakOff: finish,
  };
}

/** Aborts when the client goes away. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  return gone.signal;
}

/** As `inner`, with headers that are read when the reply begins. */
export function withHeaders(inner: Reply, headers: () => Readonly<Record<string, string>>): Reply {
  return {
    get begun() {
      return inner.begun;
    },
    get closed() {
      return inner.closed;
    },
    begin: (head) => inner.begin({ ...head, headers: { ...head.headers, ...headers() } }),
    write: (text) => inner.write(text),
    end: (text) => inner.end(text),
    breakOff: (text) => inner.breakOff(text),
  };
}

/** As `inner`; tells once how many milliseconds passed from now to its first piece. */
export function toldWhenBegun(inner: Reply, tell: (ms: number) => void): Reply {
  const started = performance.now();
  let waiting = true;
  const begin = () => {
    if (waiting) {
      waiting = false;
      tell(performance.now() - started);
    }
  };
  return {
    get begun() {
      return inner.begun;
    },
    get closed() {
      return inner.closed;
    },
    begin: (head) => inner.begin(head),
    write(text) {
      begin();
      return inner.write(text);
    },
    end(text) {
      begin();
      return inner.end(text);
    },
    breakOff: (text) => inner.breakOff(text),
  };
}

/** A reply that is held back until somebody decides what becomes of it. */
export function heldReply(): { readonly reply: Reply; readonly whole: () => WholeReply | null } {
  let whole: WholeReply | null = null;
  return {
    reply: keptReply(NOWHERE, async (kept) => {
      whole = kept;
    }),
    whole: () => whole,
  };
}

/** A reply that nobody reads. */
const NOWHERE: Reply = {
  begun: false,
  closed: true,
  begin: () => undefined,
  write: () => undefined,
  end: async () => undefined,
  breakOff: () => undefined,
};

/** Sends a whole reply. Resolves with whether the client has it, as far as this end can tell. */
export function sendWhole(response: ServerResponse, { status, headers, body }: WholeReply): Promise<boolean> {
  if (response.destroyed) {
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    response.once("finish", () => resolve(true));
    response.once("close", () => resolve(response.writableFinished));
    response.writeHead(status, { ...headers, "content-length": body.length });
    response.end(body);
  });
}

/** As `inner`, but the whole reply is handed to `keep` before its last piece is sent. */
export function keptReply(inner: Reply, keep: (whole: WholeReply) => Promise<void>): Reply {
  let head: ReplyHead = { status: 200, headers: {} };
  const pieces: string[] = [];
  return {
    get begun() {
      return inner.begun;
    },
    // The answer is wanted whether or not somebody reads it now.
    closed: false,
    begin(chosen) {
      head = chosen;
      inner.begin(chosen);
    },
    write(text) {
      pieces.push(text);
      return inner.write(text);
    },
    async end(text) {
      pieces.push(text);
      await keep({ ...head, body: Buffer.from(pieces.join("")) });
      await inner.end(text);
    },
    breakOff: (text) => inner.breakOff(text),
  };
}

/** Resolves when the client has caught up, or has gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    function end(): void {
      response.removeListener("drain", end);
      response.removeListener("close", end);
      resolve();
    }
    response.once("drain", end);
    response.once("close", end);
  });
}
