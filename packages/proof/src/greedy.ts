import { upperTail } from "./binomial.ts";
import type { PositionMargin, ScoredPosition } from "./margin.ts";
import { type Judgement, type Statistic, summarise } from "./verdict.ts";

/*
 * The weaker check of engines that do not use our sampler.
 *
 * At temperature 0 the answer is the model's best token at each position, so another engine with the same weights finds
 * every token best or, where two were nearly equal, close to best. That binds the model within the noise between two
 * engines. It does not bind precision finer than that noise, and says nothing where a cheaper model has the same best
 * token; it does not bind sampling at any temperature above 0.
 *
 * Log-probabilities beside the tokens are a screen for accidents and careless cheats, no more: whoever has the true
 * model can put its true values beside tokens of any other origin.
 */

export interface GreedyCalibration {
  /** Nats that two engines may differ by on one pair of tokens; a token this close to the best counts as best. */
  readonly tolerance: number;
  /** Nats; no single position counts for more. */
  readonly clip: number;
  /** Positions whose best token is at least this probable say nothing when they agree. */
  readonly deterministic: number;
  /** Share of informative positions at which an honest answer may be out of tolerance, as an upper bound. */
  readonly honestMismatchRate: number;
  /** The same share for the weakest cheat that a pass clears somebody of, as a lower bound. */
  readonly weakestCheatRate: number;
  /** Informative positions below which nobody is failed. */
  readonly minimumTokens: number;
  /** Most often that an honest answer may fail. */
  readonly falseFailure: number;
  /** Most often that the weakest cheat may pass. */
  readonly falsePass: number;
}

/**
 * For llama.cpp with one weight file on other arithmetic: another processor family, attention kernel or key cache. The
 * `greedy` benchmark measured it with the embedded model: nothing honest was farther behind than 0.1 nats; of the cheats
 * 4-bit keys were the hardest to see. Other engines, GPUs and larger models need numbers of their own before a failure
 * may cost anybody something.
 */
export const GREEDY_CALIBRATION: GreedyCalibration = {
  tolerance: 0.1,
  clip: 2,
  deterministic: 0.999,
  honestMismatchRate: 0.003,
  weakestCheatRate: 0.025,
  minimumTokens: 16,
  falseFailure: 1e-4,
  falsePass: 1e-2,
};

/** What an engine with the same weights makes of each token of an answer at temperature 0. */
export function greedyMargins(
  scored: readonly ScoredPosition[],
  { tolerance, clip, deterministic }: GreedyCalibration,
): PositionMargin[] {
  return scored.map((position) => {
    const behind = (position.logits[0] ?? position.chosenLogit) - position.chosenLogit;
    const margin = behind > tolerance ? Math.min(clip, behind) : 0;
    return { margin, informative: margin > 0 || bestProbability(position) < deterministic };
  });
}

/** The statistic of `greedyMargins`. */
export function greedyStatistic(scored: readonly ScoredPosition[], calibration: GreedyCalibration): Statistic {
  return summarise(greedyMargins(scored, calibration));
}

/**
 * Turns the statistic into one of three outcomes, by the binomial tails at both rates: `fail` when an honest engine would
 * be out of tolerance this often with a chance of at most `falseFailure`, `pass` when the weakest cheat would be out of
 * it this seldom with a chance of at most `falsePass`, else `inconclusive`.
 */
export function judgeGreedy(
  { informative, mismatches, tokens }: Statistic,
  { honestMismatchRate, weakestCheatRate, minimumTokens, falseFailure, falsePass, tolerance }: GreedyCalibration,
): Judgement {
  const found = `${mismatches} of ${tokens} tokens (${informative} informative) are more than ${tolerance} nats behind the model's best`;
  const honest = upperTail(informative, mismatches, honestMismatchRate);
  const cheat = 1 - upperTail(informative, mismatches + 1, weakestCheatRate);
  const judged = { pValue: honest, falsePass: cheat, tokensNeeded: null };
  if (honest <= falseFailure && informative >= minimumTokens) {
    const chance = `an honest engine has so many with a chance of at most ${honest.toExponential(1)}`;
    return { ...judged, verdict: "fail", reason: `${found}; ${chance}` };
  }
  if (cheat <= falsePass) {
    const chance = `a cheat has so few with a chance of at most ${cheat.toExponential(1)}`;
    return { ...judged, verdict: "pass", reason: `${found}; ${chance}` };
  }
  return { ...judged, verdict: "inconclusive", reason: `${found}; too few informative tokens to decide` };
}

export interface LogprobScreen {
  readonly tokens: number;
  /** Mean distance in nats between the values beside the tokens and those found, each clipped. */
  readonly meanDifference: number;
  /** False when the values are certainly not those of the model. True proves nothing. */
  readonly plausible: boolean;
}

/**
 * Nats; what values of the same weights on other arithmetic may differ by on average. The `greedy` benchmark found a
 * twentieth of it in honest answers; lower precision stays below it as well, another model does not.
 */
export const LOGPROB_TOLERANCE = 0.05;

/**
 * Compares log-probabilities that came with an answer with those found for its tokens at temperature 1. Where only the
 * best candidates are known, the found value is too high by at most the logarithm of the probability left out.
 *
 * @throws RangeError when the two have different lengths.
 */
export function screenLogprobs(
  claimed: readonly number[],
  scored: readonly ScoredPosition[],
  { clip }: Pick<GreedyCalibration, "clip"> = GREEDY_CALIBRATION,
): LogprobScreen {
  if (claimed.length !== scored.length) {
    throw new RangeError(`${claimed.length} log-probabilities cannot belong to ${scored.length} tokens`);
  }
  const sum = scored.reduce((total, position, index) => {
    const difference = logprobDifference(claimed[index] ?? 0, position);
    return total + (Number.isNaN(difference) ? clip : Math.min(clip, difference));
  }, 0);
  const meanDifference = scored.length === 0 ? 0 : sum / scored.length;
  return { tokens: scored.length, meanDifference, plausible: meanDifference <= LOGPROB_TOLERANCE };
}

/** Of a token that is not among the candidates no more is known than that it is not more probable than the last. */
function logprobDifference(claimed: number, position: ScoredPosition): number {
  const found = chosenLogprob(position);
  if (found !== Number.NEGATIVE_INFINITY) {
    return Math.abs(claimed - found);
  }
  const last = position.logits.at(-1) ?? 0;
  return Math.max(0, claimed - chosenLogprob({ ...position, chosenLogit: last }));
}

/** ln of the chosen token's share among the candidates, at temperature 1; -Infinity when it is not one of them. */
export function chosenLogprob({ logits, chosenLogit }: ScoredPosition): number {
  const best = logits[0] ?? chosenLogit;
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - best), 0);
  return chosenLogit - best - Math.log(sum);
}

function bestProbability({ logits }: ScoredPosition): number {
  const best = logits[0] ?? 0;
  return 1 / logits.reduce((total, logit) => total + Math.exp(logit - best), 0);
}
