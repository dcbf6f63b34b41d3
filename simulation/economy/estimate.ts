/** A figure over many seeds: its mean, and the interval that holds the true mean in 95 of 100 campaigns. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly seeds: number;
}

/** Two-sided 95 % points of Student's t by degrees of freedom, 1 to 30; 1.96 beyond is close enough. */
const STUDENT = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** Null for no values; without an interval (low = −∞, high = ∞) for one. */
export function estimate(values: readonly number[]): Estimate | null {
  const seeds = values.length;
  if (seeds === 0) {
    return null;
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / seeds;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half =
    seeds === 1 ? Number.POSITIVE_INFINITY : (STUDENT[seeds - 2] ?? 1.96) * Math.sqrt(squares / (seeds - 1) / seeds);
  return { mean, low: mean - half, high: mean + half, seeds };
}

/** `0.596 (0.595–0.597)`. */
export function formatEstimate(figure: Estimate | null | undefined, digits: number): string {
  if (figure === null || figure === undefined) {
    return "–";
  }
  // What rounds to zero has no sign.
  const show = (value: number) => (Number(value.toFixed(digits)) + 0).toFixed(digits);
  return Number.isFinite(figure.low)
    ? `${show(figure.mean)} (${show(figure.low)}–${show(figure.high)})`
    : show(figure.mean);
}
