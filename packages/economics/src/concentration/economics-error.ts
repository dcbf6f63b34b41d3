/** Input from which no figure can be computed. `code` is for programs, `remedy` says what to pass instead. */
export class EconomicsError extends Error {
  readonly code: string;
  readonly remedy: string;
  readonly metadata: Readonly<Record<string, string | number>>;

  constructor(options: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
    readonly metadata?: Readonly<Record<string, string | number>>;
  }) {
    super(options.message);
    this.name = "EconomicsError";
    this.code = options.code;
    this.remedy = options.remedy;
    this.metadata = options.metadata ?? {};
  }
}
