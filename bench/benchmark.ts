/** One value of a table. */
export type Cell = string | number | null;

/** One line of a benchmark's table. Rows of one benchmark may have different members. */
export type BenchRow = Readonly<Record<string, Cell>>;

export interface BenchmarkOptions {
  /** Few rounds and short windows: shows that it works, not how fast it is. */
  readonly quick: boolean;
  /** Told what is being measured, a sentence at a time. */
  readonly progress: (text: string) => void;
  /** Aborts when the user wants to see what was measured so far. Only long benchmarks look at it. */
  readonly enough?: AbortSignal;
}

export interface BenchmarkOutcome {
  /** How often each variant was measured, in turns with the others. */
  readonly rounds: number;
  readonly rows: readonly BenchRow[];
  /** The figures that others quote; their names are a contract. */
  readonly summary: Readonly<Record<string, number | null>>;
  /** Plots and pages by file name, which `--save` puts beside the result. */
  readonly files?: Readonly<Record<string, string>>;
  /** What was missed that must not be; the run ends with a failure and says so. */
  readonly missed?: readonly string[];
}

/** A measurement against its baselines, all taken in one run. */
export interface Benchmark {
  readonly name: string;
  /** One line: what is compared with what. */
  readonly description: string;
  run(options: BenchmarkOptions): Promise<BenchmarkOutcome>;
}
