import type { Hex } from "@depinfer/protocol";
import { upperTail } from "./binomial.ts";
import type { Calibration } from "./calibration.ts";
import { type MarginOptions, type PositionMargin, positionMargin, type ScoredPosition } from "./margin.ts";
import { createPositionKeys } from "./noise.ts";

export type VerdictKind = "pass" | "inconclusive" | "fail";

export interface Statistic {
  /** Positions scored. */
  readonly tokens: number;
  readonly informative: number;
  /** Positions whose margin is above 0. */
  readonly mismatches: number;
  /** Nats per informative position. */
  readonly meanMargin: number;
  /** Nats per position, in order. */
  readonly margins: readonly number[];
}

/** Chance at most which an honest answer of a calibrated class is called a failure. */
export const FALSE_POSITIVE_RATE = 1e-4;

export interface Verdict extends Judgement {
  readonly receiptId: Hex;
  readonly statistic: Statistic;
}

/** One of three outcomes, and how much it says. */
export interface Judgement {
  readonly verdict: VerdictKind;
  /** One sentence for people. */
  readonly reason: string;
  /** Bound on the chance that an honest provider's answer looks at least this bad; null where nothing was scored. */
  readonly pValue: number | null;
  /** Chance that the weakest cheat that was measured would have passed on these tokens too; null where unknown. */
  readonly falsePass: number | null;
  /** Informative tokens after which a provider that goes on like this would be judged; null where it is judged. */
  readonly tokensNeeded: number | null;
}

/**
 * The margin of every scored position of one answer.
 *
 * @param positions where in the answer they are; from its first token on by default.
 */
export function positionMargins(
  scored: readonly ScoredPosition[],
  temperature: number,
  seed: Uint8Array,
  options: MarginOptions,
  positions?: readonly number[],
): PositionMargin[] {
  const keyOf = createPositionKeys(seed);
  return scored.map((found, index) => positionMargin(found, temperature, keyOf(positions?.[index] ?? index), options));
}

/** The statistic of positions, of one answer or of several. */
export function summarise(positions: readonly PositionMargin[]): Statistic {
  const informative = positions.filter((position) => position.informative).length;
  const margins = positions.map(({ margin }) => margin);
  const sum = margins.reduce((total, margin) => total + margin, 0);
  return {
    tokens: positions.length,
    informative,
    mismatches: margins.filter((margin) => margin > 0).length,
    meanMargin: informative === 0 ? 0 : sum / informative,
    margins,
  };
}

/**
 * The statistic of one answer.
 *
 * @param first position of its first token; above 0 for one that was gone on with.
 */
export function marginStatistic(
  scored: readonly ScoredPosition[],
  temperature: number,
  seed: Uint8Array,
  options: MarginOptions,
  first = 0,
): Statistic {
  const positions = scored.map((_, index) => first + index);
  return summarise(positionMargins(scored, temperature, seed, options, positions));
}

/** Shares of the false-positive rate that the two parts of the test may use up. */
const MISMATCH_SHARE = 0.9;
const MARGIN_SHARE = 0.1;

/**
 * Bound on the chance that an honest provider has at least this many mismatches, or at least this mean margin, on this
 * many informative tokens: the binomial tail at p0 for the first, Chernoff's bound for variables in [0, clip] with mean
 * at most mu0 for the second (Hoeffding 1963, theorem 1), joined by a weighted union bound.
 */
export function pValue({ informative, mismatches, meanMargin }: Statistic, calibration: Calibration): number {
  const { honestMismatchRate, honestMeanMargin, clip } = calibration;
  const byMismatches = upperTail(informative, mismatches, honestMismatchRate) / MISMATCH_SHARE;
  const byMargin = chernoff(informative, meanMargin / clip, honestMeanMargin / clip) / MARGIN_SHARE;
  return Math.min(1, byMismatches, byMargin);
}

/** exp(-n KL(mean ‖ bound)) for a mean above its bound, else 1. Both in [0, 1]. */
function chernoff(n: number, mean: number, bound: number): number {
  if (mean <= bound) {
    return 1;
  }
  const rest = mean >= 1 ? 0 : (1 - mean) * Math.log((1 - mean) / (1 - bound));
  return Math.exp(-n * (mean * Math.log(mean / bound) + rest));
}

/**
 * Turns a statistic into one of three outcomes: `fail` when an honest provider would look this bad with a chance of at
 * most `FALSE_POSITIVE_RATE`, `pass` when nothing speaks against it, `inconclusive` when something does, but too
 * little, or when the class was never calibrated.
 */
export function judge(statistic: Statistic, calibration: Calibration): Judgement {
  const { informative, mismatches, meanMargin, tokens } = statistic;
  const found = `${mismatches} of ${tokens} tokens differ from what the seed demands, mean margin ${meanMargin.toFixed(4)} nats over ${informative} informative tokens`;
  const calibrated = calibration.classId !== null;
  const p = pValue(statistic, calibration);
  const falsePass = calibrated ? (1 - calibration.weakestCheatRate) ** informative : null;
  const judged = (verdict: VerdictKind, reason: string, tokensNeeded: number | null = null): Judgement => ({
    verdict,
    reason,
    pValue: p,
    falsePass,
    tokensNeeded,
  });
  if (mismatches === 0) {
    return judged("pass", found);
  }
  if (!calibrated) {
    return judged("inconclusive", `${found}; nobody has calibrated this class, so an honest provider may have as many`);
  }
  const chance = `an honest provider has so many with a chance of at most ${p.toExponential(1)}`;
  if (p <= FALSE_POSITIVE_RATE && informative >= calibration.minimumTokens) {
    return judged("fail", `${found}; ${chance}`);
  }
  const tokensNeeded = informativeNeeded(statistic, calibration);
  const needed = tokensNeeded === null ? "" : `, about ${tokensNeeded} more informative tokens would tell`;
  return judged("inconclusive", `${found}; ${chance}, which is not rare enough${needed}`, tokensNeeded);
}

const FARTHEST = 1 << 20;

/** How many more informative tokens at the same rate would make it a failure; null where no number would. */
function informativeNeeded(statistic: Statistic, calibration: Calibration): number | null {
  const { informative, mismatches, meanMargin } = statistic;
  const { honestMismatchRate, honestMeanMargin } = calibration;
  if (mismatches <= honestMismatchRate * informative && meanMargin <= honestMeanMargin) {
    return null;
  }
  const fails = (factor: number) => {
    const more = { ...statistic, informative: informative * factor, mismatches: mismatches * factor };
    return more.informative >= calibration.minimumTokens && pValue(more, calibration) <= FALSE_POSITIVE_RATE;
  };
  let enough = 2;
  while (!fails(enough)) {
    enough *= 2;
    if (informative * enough > FARTHEST) {
      return null;
    }
  }
  let tooFew = enough / 2;
  while (enough - tooFew > 1) {
    const middle = (enough + tooFew) >> 1;
    if (fails(middle)) {
      enough = middle;
    } else {
      tooFew = middle;
    }
  }
  return informative * (enough - 1);
}
