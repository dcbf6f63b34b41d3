import { bytes32Schema, DepinferError, type Hex, runtimeClassSchema } from "@depinfer/protocol";
import { z } from "zod";
import { upperBound } from "./binomial.ts";
import type { MarginOptions, PositionMargin } from "./margin.ts";
import { summarise } from "./verdict.ts";

/*
 * What separates honest from dishonest in one runtime class, as data with its provenance. The counts are measured
 * (`depinfer calibrate`), the bounds are computed from them here, so that anyone can check the one against the other.
 */

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/** What honest transcripts of the class look like to a verifier of the class. */
export const honestCountsSchema = z.strictObject({
  transcripts: count,
  /** Positions scored. */
  tokens: count,
  informative: count,
  mismatches: count,
  /** Nats, clipped, over the informative positions. */
  marginSum: z.number().min(0),
  /** The same of squared margins. */
  marginSquareSum: z.number().min(0),
});
export type HonestCounts = z.output<typeof honestCountsSchema>;

export const NO_COUNTS: HonestCounts = {
  transcripts: 0,
  tokens: 0,
  informative: 0,
  mismatches: 0,
  marginSum: 0,
  marginSquareSum: 0,
};

export const calibrationFileSchema = z.strictObject({
  format: z.literal("depinfer/calibration/1"),
  classId: bytes32Schema,
  runtimeClass: runtimeClassSchema,
  /** How margins were measured; a verifier has to measure them alike. */
  margin: z.strictObject({ boundary: z.number().min(0), clip: z.number().positive(), deterministic: share }),
  honest: honestCountsSchema,
  /** The weakest cheat that was measured: how it was made, and its counts under the same verifier. */
  weakestCheat: z.strictObject({ name: z.string().min(1), counts: honestCountsSchema }),
  provenance: z.strictObject({
    at: z.iso.datetime(),
    /** Processor, system and runtime on which it was measured. */
    machine: z.string().min(1),
    /** Name of the tasks, from which prompts, temperatures, lengths and seeds follow. */
    tasks: z.string().min(1),
    /** The first task that was not used, so that a run can be continued. */
    nextTask: count,
    temperatures: z.array(z.number().min(0)).min(1),
    /** How prompts were made. */
    prompts: z.string().min(1),
  }),
});
export type CalibrationFile = z.output<typeof calibrationFileSchema>;

/** What a verdict needs to know of a class. */
export interface Calibration extends MarginOptions {
  /** Null where nobody has measured the class: then nothing is called a failure. */
  readonly classId: Hex | null;
  /** p0: with confidence `CONFIDENCE` an honest provider mismatches at most this often per informative token. */
  readonly honestMismatchRate: number;
  /** mu0: the same of its mean clipped margin, nats per informative token. */
  readonly honestMeanMargin: number;
  /** p1: mismatches per informative token of the weakest cheat that was measured. */
  readonly weakestCheatRate: number;
  /** Informative positions below which nothing is called a failure. */
  readonly minimumTokens: number;
}

/** Confidence of the bounds on honest behaviour. */
export const CONFIDENCE = 0.95;
/** PROOF: never on fewer than this many informative tokens. */
const MINIMUM_TOKENS = 8;

/**
 * Boundary 0.15 and clip 2 nats took mismatches between f32 and f16 from 5.0 % to 0.31 % when they were chosen;
 * positions whose best token has a probability of 0.999 or more say nothing when they agree.
 */
export const MARGIN_OPTIONS: MarginOptions = { boundary: 0.15, clip: 2, deterministic: 0.999 };

/**
 * The rule for a class that was not measured. It calls nothing a failure: without honest counts there is no telling how
 * often an honest provider would be accused.
 */
export const UNCALIBRATED: Calibration = {
  ...MARGIN_OPTIONS,
  classId: null,
  honestMismatchRate: 1,
  honestMeanMargin: MARGIN_OPTIONS.clip,
  weakestCheatRate: 1,
  minimumTokens: Number.POSITIVE_INFINITY,
};

/** The bounds that follow from measured counts. */
export function calibrationOf({ classId, margin, honest, weakestCheat }: CalibrationFile): Calibration {
  return {
    ...margin,
    classId,
    honestMismatchRate: upperBound(honest.mismatches, honest.informative, CONFIDENCE),
    honestMeanMargin: meanMarginBound(honest, margin.clip),
    weakestCheatRate: weakestCheat.counts.mismatches / Math.max(1, weakestCheat.counts.informative),
    minimumTokens: MINIMUM_TOKENS,
  };
}

/**
 * Upper confidence bound of the mean of margins in [0, clip] from their sum and squares: empirical Bernstein (Maurer and
 * Pontil, COLT 2009, theorem 4). A class without a single mismatch is bounded by its rate of mismatches as well, since
 * no margin exceeds the clip; the smaller bound counts.
 */
function meanMarginBound(honest: HonestCounts, clip: number): number {
  const n = honest.informative;
  if (n < 2) {
    return clip;
  }
  const mean = honest.marginSum / n;
  const variance = Math.max(0, (honest.marginSquareSum - n * mean * mean) / (n - 1));
  const log = Math.log(2 / (1 - CONFIDENCE));
  const bernstein = mean + Math.sqrt((2 * variance * log) / n) + (7 * clip * log) / (3 * (n - 1));
  return Math.min(clip, bernstein, clip * upperBound(honest.mismatches, n, CONFIDENCE));
}

/** Adds one transcript to counts. */
export function addTranscript(counts: HonestCounts, positions: readonly PositionMargin[]): HonestCounts {
  const { tokens, informative, mismatches, margins } = summarise(positions);
  return {
    transcripts: counts.transcripts + 1,
    tokens: counts.tokens + tokens,
    informative: counts.informative + informative,
    mismatches: counts.mismatches + mismatches,
    marginSum: margins.reduce((sum, margin) => sum + margin, counts.marginSum),
    marginSquareSum: margins.reduce((sum, margin) => sum + margin * margin, counts.marginSquareSum),
  };
}

/**
 * Reads a calibration for one class.
 *
 * @throws DepinferError `calibration.malformed`, or `calibration.otherClass` when it was made for other weights, another
 * engine build or another processor family.
 */
export function parseCalibration(value: unknown, classId: Hex): Calibration {
  const parsed = calibrationFileSchema.safeParse(value);
  if (!parsed.success) {
    throw new DepinferError({
      code: "calibration.malformed",
      message: `The calibration cannot be read: ${z.prettifyError(parsed.error)}`,
      remedy: "Make it again with `depinfer calibrate`",
    });
  }
  if (parsed.data.classId !== classId) {
    const { engine, backend, quantisation } = parsed.data.runtimeClass;
    throw new DepinferError({
      code: "calibration.otherClass",
      message: `The calibration is for class ${parsed.data.classId} (${quantisation}, ${engine}, ${backend}), not for ${classId}`,
      remedy: "Thresholds of one class say nothing about another; calibrate this one with `depinfer calibrate`",
      metadata: { calibrated: parsed.data.classId, wanted: classId },
    });
  }
  return calibrationOf(parsed.data);
}
