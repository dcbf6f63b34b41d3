import type { Hex } from "@depinfer/protocol";
import { type MarginOptions, positionMargin, type ScoredPosition } from "./margin.ts";
import { createPositionKeys } from "./noise.ts";

/** What separates honest from dishonest in one runtime class. Data, with its provenance; see `specs/06-proof.md`. */
export interface Calibration extends MarginOptions {
  /** Nats; a mean margin above this is not honest. */
  readonly meanMargin: number;
  /** Informative positions below which a bad mean is called inconclusive instead of a failure. */
  readonly minimumTokens: number;
}

/**
 * For classes whose decode and prefill agree bit for bit, which is what the embedded model's class was measured to be:
 * honest margins are exactly 0, so the threshold only has to be above 0 and a single mismatch is evidence. Boundary 0.15 and clip 2 as measured for
 * f32 against f16 (mismatches fell from 5.0 % to 0.31 %).
 */
export const BIT_EXACT_CALIBRATION: Calibration = {
  boundary: 0.15,
  clip: 2,
  deterministic: 0.999,
  meanMargin: 0.0001,
  minimumTokens: 8,
};

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

export interface Verdict {
  readonly verdict: VerdictKind;
  /** One sentence for people. */
  readonly reason: string;
  readonly receiptId: Hex;
  readonly statistic: Statistic;
  readonly threshold: number;
}

/** The statistic of one answer: `scored` has one entry per delivered token, in order. */
export function marginStatistic(
  scored: readonly ScoredPosition[],
  temperature: number,
  seed: Uint8Array,
  options: MarginOptions,
): Statistic {
  const margins: number[] = [];
  const keyOf = createPositionKeys(seed);
  let informative = 0;
  let mismatches = 0;
  let sum = 0;
  scored.forEach((position, index) => {
    const found = positionMargin(position, temperature, keyOf(index), options);
    margins.push(found.margin);
    informative += found.informative ? 1 : 0;
    mismatches += found.margin > 0 ? 1 : 0;
    sum += found.margin;
  });
  return {
    tokens: scored.length,
    informative,
    mismatches,
    meanMargin: informative === 0 ? 0 : sum / informative,
    margins,
  };
}

/** Turns a statistic into one of three outcomes. */
export function judge(statistic: Statistic, calibration: Calibration): { verdict: VerdictKind; reason: string } {
  const { informative, mismatches, meanMargin, tokens } = statistic;
  const found = `${mismatches} of ${tokens} tokens differ from what the seed demands, mean margin ${meanMargin.toFixed(4)} nats over ${informative} informative tokens`;
  if (meanMargin <= calibration.meanMargin) {
    return { verdict: "pass", reason: `${found}, at most ${calibration.meanMargin} is honest` };
  }
  if (informative < calibration.minimumTokens) {
    return {
      verdict: "inconclusive",
      reason: `${found}; at least ${calibration.minimumTokens} informative tokens are needed to call it a failure`,
    };
  }
  return { verdict: "fail", reason: `${found}, more than the honest ${calibration.meanMargin}` };
}
