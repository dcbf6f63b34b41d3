/** A figure over several rounds. The median is quoted; the range says how far to trust it. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The value below which the share `p` of `values` lies; NaN for none. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN;
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Compares two variants round by round, so that whatever else the machine did in a round weighs on both sides.
 * `compare` is a quotient or a difference.
 */
export function compared(
  ours: readonly number[],
  baseline: readonly number[],
  compare: (ours: number, baseline: number) => number = (a, b) => a / b,
): Spread {
  return spread(ours.map((value, round) => compare(value, baseline[round] ?? Number.NaN)));
}

/** Rounded to `digits` significant digits, for tables and files that people read. */
export function significant(value: number, digits = 4): number {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
}

/** `median (min–max)`. */
export function formatSpread(figure: Spread, digits = 3): string {
  const show = (value: number) => String(significant(value, digits));
  return `${show(figure.median)} (${show(figure.min)}–${show(figure.max)})`;
}
