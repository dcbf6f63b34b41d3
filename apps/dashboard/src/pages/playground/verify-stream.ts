import { DepinferError } from "@depinfer/protocol";
import { CONSOLE_VERIFY_PATH, verifyEvents } from "@depinfer/protocol/api";
import type { z } from "zod";
import { request, type Server } from "../../api/call.ts";
import { otherVersion } from "../../api/errors.ts";
import { readEvents } from "../../api/event-stream.ts";

export type VerifyVerdict = z.output<typeof verifyEvents.verdict>;

/** A verification so far. */
export interface Verification {
  readonly phase: "queued" | "loading" | "scoring" | "done";
  readonly ahead: number;
  readonly scored: number;
  readonly tokens: number;
  /** Nats, by position. */
  readonly margins: readonly number[];
  readonly informative: readonly boolean[];
  readonly verdict: VerifyVerdict | null;
}

export const STARTED: Verification = {
  phase: "loading",
  ahead: 0,
  scored: 0,
  tokens: 0,
  margins: [],
  informative: [],
  verdict: null,
};

/** What is known after another event. @throws DepinferError the verifier's own, or `api.otherVersion`. */
export function advance(before: Verification, event: string, data: string): Verification {
  const json: unknown = JSON.parse(data);
  switch (event) {
    case "queued":
      return { ...before, phase: "queued", ahead: verifyEvents.queued.parse(json).ahead };
    case "progress":
      return { ...before, ...verifyEvents.progress.parse(json) };
    case "margins": {
      const { from, values, informative } = verifyEvents.margins.parse(json);
      return {
        ...before,
        margins: [...before.margins.slice(0, from), ...values],
        informative: [...before.informative.slice(0, from), ...informative],
      };
    }
    case "verdict": {
      const verdict = verifyEvents.verdict.parse(json);
      return { ...before, phase: "done", verdict };
    }
    case "error":
      throw new DepinferError(verifyEvents.error.parse(json));
    default:
      return before;
  }
}

/**
 * Has the console compute an answer's tokens again.
 *
 * @throws what `request` throws, and the verifier's own errors.
 */
export async function verifyAnswer(
  servers: { readonly gateway: Server; readonly console: Server },
  id: string,
  onChange: (verification: Verification) => void,
  signal: AbortSignal,
): Promise<void> {
  // The receipt goes on as the gateway gave it: what was read into other forms would not be what was signed.
  const file: unknown = await (await request(servers.gateway, `/v1/receipts/${id}`, { signal })).json();
  const response = await request(servers.console, CONSOLE_VERIFY_PATH, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ receipt: file }),
    signal,
  });
  let known = STARTED;
  onChange(known);
  for await (const { event, data } of response.body === null ? [] : readEvents(response.body)) {
    known = advance(known, event, data);
    onChange(known);
  }
  if (known.verdict === null) {
    throw otherVersion("console", CONSOLE_VERIFY_PATH, "the stream ended without a verdict");
  }
}
