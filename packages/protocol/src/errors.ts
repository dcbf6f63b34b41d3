/** What an error knows about its circumstances. Values are printable; secrets never belong here. */
export type ErrorMetadata = Readonly<Record<string, string | number | boolean | null>>;

export interface DepinferErrorOptions {
  /** Machine code, `area.whatWentWrong`; callers branch on this and never on the message. */
  readonly code: string;
  /** What was wrong, with the offending value. */
  readonly message: string;
  /** What the reader should do about it, as an instruction. */
  readonly remedy: string;
  readonly metadata?: ErrorMetadata;
  /** True when the same call may succeed later or elsewhere without a change. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * Base of every error that Depinfer raises on purpose.
 *
 * @example
 * throw new DepinferError({
 *   code: "model.missing",
 *   message: "No model file at ./phi.gguf",
 *   remedy: "Check the path given to --model",
 *   metadata: { path: "./phi.gguf" },
 * });
 */
export class DepinferError extends Error {
  readonly code: string;
  readonly remedy: string;
  readonly metadata: ErrorMetadata;
  readonly retryable: boolean;

  constructor(options: DepinferErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.remedy = options.remedy;
    this.metadata = options.metadata ?? {};
    this.retryable = options.retryable ?? false;
  }

  /** One line for a terminal: message, then the remedy. */
  describe(): string {
    return `${this.message}. ${this.remedy}.`;
  }
}

/** The code of an error, or `unknown` for errors that are not ours. */
export function errorCode(error: unknown): string {
  return error instanceof DepinferError ? error.code : "unknown";
}

/** A short text for any thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
