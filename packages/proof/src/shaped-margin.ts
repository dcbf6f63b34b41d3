import type { MarginOptions, PositionMargin, ScoredPosition } from "./margin.ts";
import { createPositionKeys, gumbel, type PositionKey } from "./noise.ts";
import { TOP_K } from "./sampler.ts";
import { massesBefore, type ShapedCandidate, type Shaping } from "./shaping.ts";

/* The margin of `margin.ts` where the choice was shaped. */

/** Probability by which two machines may differ about where the nucleus ends. */
const NUCLEUS_TOLERANCE = 0.01;

export interface ShapedMargins {
  readonly positions: readonly PositionMargin[];
  /** What no machine of the class would have done, one sentence each; the positions after it are missing. */
  readonly faults: readonly string[];
}

/**
 * The margin of every token of a shaped answer.
 *
 * @param shaping has taken what the answer had before; it is used up.
 * @param first position of the first scored token.
 */
export function shapedMargins(
  scored: readonly ScoredPosition[],
  shaping: Shaping,
  temperature: number,
  seed: Uint8Array,
  options: MarginOptions,
  first = 0,
): ShapedMargins {
  const keyOf = createPositionKeys(seed);
  const positions: PositionMargin[] = [];
  for (const [index, found] of scored.entries()) {
    if (!shaping.allows(found.chosen)) {
      return { positions, faults: [`the token at position ${first + index} is one that the constraint forbids`] };
    }
    const margin = positionOf(found, shaping, temperature, keyOf(first + index), options);
    if (margin === null) {
      return { positions, faults: [`the token at position ${first + index} is not the one that had to come`] };
    }
    positions.push(margin);
    shaping.push(found.chosen);
  }
  return { positions, faults: [] };
}

const SAYS_NOTHING: PositionMargin = { margin: 0, informative: false };

/** Null where another token was forced. */
function positionOf(
  found: ScoredPosition,
  shaping: Shaping,
  temperature: number,
  key: PositionKey,
  { boundary, clip, deterministic }: MarginOptions,
): PositionMargin | null {
  const { chosen, chosenLogit, logits } = found;
  const { top, also } = shaping.window;
  const edge = logits.length < top ? Number.NEGATIVE_INFINITY : (logits[top - 1] ?? Number.NEGATIVE_INFINITY);
  const isKnown = chosenLogit !== Number.NEGATIVE_INFINITY;
  const inWindow = isKnown && (also.includes(chosen) || chosenLogit >= edge - boundary);
  const ranked = shaping.ranked(found);
  const surely = ({ token, raw }: ShapedCandidate) => raw >= edge + boundary || also.includes(token);
  if (!ranked.some(surely) && (chosen === shaping.forced() || (ranked.length === 0 && inWindow))) {
    return SAYS_NOTHING;
  }
  if (ranked.length === 0) {
    return null;
  }
  const wrong: PositionMargin = { margin: clip, informative: true };
  const best = ranked.slice(0, TOP_K);
  const cutoff = best.length < TOP_K ? Number.NEGATIVE_INFINITY : (best.at(-1)?.logit ?? Number.NEGATIVE_INFINITY);
  const own = shaping.adjusted(chosen, chosenLogit);
  if (!inWindow || own < cutoff - boundary) {
    return wrong;
  }
  if (temperature === 0) {
    const rival = best.find(surely)?.logit ?? own;
    return finished(Math.max(0, rival - own), best, 1);
  }
  const { topP } = shaping;
  const before = massesBefore(best, temperature);
  const ownIndex = best.findIndex(({ token, logit }) => token === chosen || logit < own);
  if ((before[ownIndex] ?? 1) >= topP + NUCLEUS_TOLERANCE && topP < 1) {
    return wrong;
  }
  const score = own / temperature + gumbel(key, chosen);
  let highest = score;
  for (const [index, candidate] of best.entries()) {
    const inNucleus = topP >= 1 || (before[index] ?? 1) < topP - NUCLEUS_TOLERANCE;
    const inBest = candidate.logit >= cutoff + boundary;
    if (inNucleus && inBest && surely(candidate)) {
      highest = Math.max(highest, candidate.logit / temperature + gumbel(key, candidate.token));
    }
  }
  return finished(
    highest - score,
    best.filter((_, index) => topP >= 1 || (before[index] ?? 1) < topP),
    temperature,
  );

  function finished(margin: number, kept: readonly ShapedCandidate[], scale: number): PositionMargin {
    const top = kept[0]?.logit ?? 0;
    const probability = 1 / kept.reduce((sum, { logit }) => sum + Math.exp((logit - top) / scale), 0);
    return { margin: Math.min(clip, margin), informative: margin > 0 || probability < deterministic };
  }
}
