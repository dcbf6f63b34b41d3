import {
  type Calibration,
  clopperPearson,
  createEvidence,
  FALSE_POSITIVE_RATE,
  NO_EVIDENCE,
  summarise,
} from "@depinfer/proof";
import type { BenchRow } from "../benchmark.ts";
import { percentile, significant } from "../measure/statistics.ts";
import { isCaught, type Transcript, windowsOf } from "./stream.ts";

/** Numbers of output tokens at which detection is told. */
export const SIZES = [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096] as const;
/** Fewer pieces than this say too little of a rate. */
const LEAST_WINDOWS = 8;

export interface Detection {
  readonly size: number;
  readonly windows: number;
  readonly caught: number;
}

export function detectionAt(transcripts: readonly Transcript[], size: number, calibration: Calibration): Detection {
  let windows = 0;
  let caught = 0;
  for (const statistic of windowsOf(transcripts, size)) {
    windows += 1;
    caught += isCaught(statistic, calibration, FALSE_POSITIVE_RATE) ? 1 : 0;
  }
  return { size, windows, caught };
}

/** One row for every size that the answers fill often enough. */
export function detectionRows(
  label: Readonly<Record<string, string>>,
  transcripts: readonly Transcript[],
  calibration: Calibration,
): BenchRow[] {
  return SIZES.flatMap((size) => {
    const { windows, caught } = detectionAt(transcripts, size, calibration);
    if (windows < LEAST_WINDOWS) {
      return [];
    }
    const { low, high } = clopperPearson(caught, windows);
    const rates = { tpr: significant(caught / windows), tprLow: significant(low), tprHigh: significant(high) };
    return [{ ...label, tokens: size, windows, caught, ...rates }];
  });
}

/** Providers whose histories are looked at for how soon evidence convicts. */
const HISTORIES = 200;

/**
 * Output tokens after which accumulated evidence convicts, over histories drawn from the answers with replacement: the
 * median and the ninth decile, null where half or a tenth of the histories were never convicted.
 */
export function tokensToConviction(transcripts: readonly Transcript[], calibration: Calibration, random: () => number) {
  const evidence = createEvidence(calibration);
  const summaries = transcripts.map(summarise);
  const most = summaries.reduce((sum, { tokens }) => sum + tokens, 0);
  const needed = Array.from({ length: HISTORIES }, () => {
    let state = NO_EVIDENCE;
    for (let tokens = 0; tokens < most; ) {
      const drawn = summaries[Math.floor(random() * summaries.length)];
      if (drawn === undefined) {
        break;
      }
      tokens += drawn.tokens;
      const { informative, mismatches, meanMargin } = drawn;
      const marginMicros = Math.round(meanMargin * informative * 1e6);
      state = evidence.add(state, { tokens: informative, mismatches, marginMicros });
      if (evidence.outcome(state, 1).outcome === "fail") {
        return tokens;
      }
    }
    return Number.POSITIVE_INFINITY;
  });
  const finite = (value: number) => (Number.isFinite(value) ? value : null);
  return { median: finite(percentile(needed, 0.5)), ninth: finite(percentile(needed, 0.9)) };
}
