import { DepinferError } from "@depinfer/protocol";

/** A key has used up one of its limits for now. */
export class LimitError extends DepinferError {
  /** What is left of the limit, in the headers that OpenAI's clients read. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    account: string,
    of: "requests" | "tokens" | "concurrent",
    limit: number,
    waitMs: number,
    headers: Readonly<Record<string, string>>,
  ) {
    super({
      code: `limit.${of}`,
      message: `The key of ${account} may have ${limit} ${of === "concurrent" ? "requests at work at a time" : `${of} a minute`}`,
      remedy: `Try again in ${duration(waitMs)}, or ask the owner of this gateway for a higher limit`,
      metadata: { account, limit, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) },
      retryable: true,
    });
    this.headers = headers;
  }
}

export function limited(
  account: string,
  of: "requests" | "tokens" | "concurrent",
  limit: number,
  waitMs: number,
  headers: Readonly<Record<string, string>> = {},
): LimitError {
  return new LimitError(account, of, limit, waitMs, headers);
}

/** As OpenAI writes them: `250ms`, `1.5s`, `1m2s`. */
export function duration(ms: number): string {
  if (ms < 1_000) {
    return `${ms}ms`;
  }
  const minutes = Math.floor(ms / 60_000);
  const seconds = Math.floor((ms % 60_000) / 10) / 100;
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds}s`;
}
