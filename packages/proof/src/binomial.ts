/*
 * Exact binomial tails and intervals, through the regularised incomplete beta function (continued fraction of Lentz;
 * Press et al., Numerical Recipes, 6.4). Accurate to about 1e-12 relative for counts up to 1e8.
 */

/** P(X ≥ k) for X ~ Binomial(n, p). */
export function upperTail(n: number, k: number, p: number): number {
  if (k <= 0) {
    return 1;
  }
  if (k > n || p <= 0) {
    return 0;
  }
  return p >= 1 ? 1 : incompleteBeta(p, k, n - k + 1);
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The two-sided Clopper–Pearson interval of a proportion (Biometrika 26, 1934): it holds the true rate with at least
 * the given confidence, whatever the rate is.
 */
export function clopperPearson(successes: number, trials: number, confidence = 0.95): Interval {
  const tail = (1 - confidence) / 2;
  return {
    low: successes === 0 ? 0 : solve((p) => upperTail(trials, successes, p) - tail),
    high: successes === trials ? 1 : solve((p) => 1 - upperTail(trials, successes + 1, p) - tail),
  };
}

/** The one-sided upper bound: with the given confidence the true rate is at most this. */
export function upperBound(successes: number, trials: number, confidence: number): number {
  return successes >= trials ? 1 : solve((p) => 1 - upperTail(trials, successes + 1, p) - (1 - confidence));
}

/** Root in (0, 1) of a function that changes its sign once, by bisection in the exponent down to 1e-15. */
function solve(difference: (p: number) => number): number {
  let low = -35;
  let high = 0;
  const rising = difference(Math.exp(-1e-12)) > difference(Math.exp(low));
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (difference(Math.exp(middle)) > 0 === rising) {
      high = middle;
    } else {
      low = middle;
    }
  }
  return Math.exp((low + high) / 2);
}

function incompleteBeta(x: number, a: number, b: number): number {
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2)
    ? (front * continuedFraction(x, a, b)) / a
    : 1 - (front * continuedFraction(1 - x, b, a)) / b;
}

const TINY = 1e-300;

function continuedFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / awayFromZero(1 + even * d);
    c = awayFromZero(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / awayFromZero(1 + odd * d);
    c = awayFromZero(1 + odd / c);
    const factor = d * c;
    result *= factor;
    if (Math.abs(factor - 1) < 1e-15) {
      break;
    }
  }
  return result;
}

function awayFromZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}

/** Stirling's series after shifting the argument above 10. */
function logGamma(value: number): number {
  let shift = 0;
  let z = value;
  while (z < 10) {
    shift -= Math.log(z);
    z += 1;
  }
  const inverse = 1 / z;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return shift + (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series;
}
