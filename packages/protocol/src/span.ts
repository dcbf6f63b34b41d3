import type { Hex } from "./bytes.ts";

/** One piece of work on a request, for traces. Holds no prompts, answers or keys. */
export interface SpanRecord {
  /** Spans of all services with the same id are one trace. */
  readonly requestId: Hex;
  readonly name: string;
  /** `server` for whoever is asked, `client` for whoever asks somebody else. */
  readonly kind: "server" | "client" | "internal";
  /** Whether it contains all other spans of the request. */
  readonly root?: boolean;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** What went wrong. */
  readonly error?: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export type RecordSpan = (span: SpanRecord) => void;
