import { DepinferError } from "@depinfer/protocol";

/*
 * Evidence that grows over many audits and may be looked at after every one of them.
 *
 * With n informative tokens, m mismatches and a sum S of clipped margins so far, clip c, and the honest bounds p0 (rate
 * of mismatches) and mu0 (mean margin):
 *
 *   E1 = mean over θ of  exp(θ m)     / (1 + (e^θ − 1) p0)^n
 *   E2 = mean over θ of  exp(θ S / c) / (1 + (e^θ − 1) mu0 / c)^n
 *   E  = (E1 + E2) / 2
 *
 * Every factor has an expectation of at most 1 while a token's mismatch rate is at most p0 and its mean margin at most
 * mu0, given what came before: exactly for E1, and for E2 since exp is convex and the margin lies in [0, c] (Hoeffding's
 * lemma before its last step). So E is a test supermartingale, and P(E ever reaches 1/α) ≤ α (Ville 1939; see Ramdas,
 * Grünwald, Vovk and Shafer, "Game-theoretic statistics and safe anytime-valid inference", 2023). The mean over θ stands
 * in for the cheat's unknown rate. Mirrored, with θ < 0 and the rate p1 of the weakest cheat, the same construction
 * speaks for the provider. `specs/10-evidence.md` says what breaks it.
 */

/** What is known of a runtime class. A `Calibration` has all of these. */
export interface EvidenceBounds {
  /** p0: upper confidence bound of an honest provider's mismatches per informative token. */
  readonly honestMismatchRate: number;
  /** mu0: the same for its mean margin, in nats per informative token. */
  readonly honestMeanMargin: number;
  /** Nats; no margin counts for more. */
  readonly clip: number;
  /** p1: mismatches per informative token of the weakest cheat that a pass has to rule out. */
  readonly weakestCheatRate: number;
  /** Informative tokens below which nobody is convicted. */
  readonly minimumTokens: number;
}

export interface EvidenceOptions {
  /** Chance that any honest provider, of all that ever register, is ever convicted; 1e-4 when left out. */
  readonly alpha?: number;
  /** Chance that a provider at the weakest cheat's rate is ever passed; 1e-2 when left out. */
  readonly beta?: number;
}

/** What one attested verdict says. Whole numbers, so that sums are exact in any order. */
export interface CountedVerdict {
  /** Informative tokens. */
  readonly tokens: number;
  readonly mismatches: number;
  /** Sum of clipped margins in millionths of a nat. */
  readonly marginMicros: number;
}

/** Everything that has to be remembered of a provider in a class. Plain data: it survives JSON. */
export interface EvidenceState extends CountedVerdict {
  readonly verdicts: number;
  /** Largest ln E at a time when `minimumTokens` had been reached; null before. */
  readonly peak: number | null;
}

export interface EvidenceOutcome {
  readonly outcome: "pass" | "inconclusive" | "fail";
  /** ln E now. */
  readonly logEvidence: number;
  /** ln 1/α of this provider, which the peak has to reach for `fail`. */
  readonly failAt: number;
  /** ln of the evidence against "at least as many mismatches as the weakest cheat". */
  readonly logCleared: number;
  /** ln 1/β, which `logCleared` has to reach for `pass`. */
  readonly passAt: number;
}

export const NO_EVIDENCE: EvidenceState = { verdicts: 0, tokens: 0, mismatches: 0, marginMicros: 0, peak: null };

/** The rule by which verdicts add up in one runtime class. */
export interface Evidence {
  /**
   * @throws DepinferError `evidence.impossible` for a verdict that no answer can have, such as more mismatches than
   * tokens; whoever attested it, it does not count.
   */
  add(state: EvidenceState, verdict: CountedVerdict): EvidenceState;
  /**
   * A conviction stays: what counts is the largest value that E ever had.
   *
   * @param ordinal the provider's place in the order of first registrations, from 1. The i-th provider has the share
   * α / (i (i + 1)) of the error, which adds up to α over however many there will be.
   * @param classOrdinal the class's place among those in which the provider was audited, from 1, which shares the
   * provider's part in the same way; left out where a provider has one class only.
   * @throws RangeError for an ordinal that is not a whole number of at least 1.
   */
  outcome(state: EvidenceState, ordinal: number, classOrdinal?: number): EvidenceOutcome;
}

/**
 * θ of the mixture. A cheat whose rate has the log odds ratio θ to p0 is found fastest by that θ, and little slower by
 * its neighbours: a factor of 2 apart covers from a tenth more mismatches than honest to three thousand times as many.
 */
const GRID = [0.125, 0.25, 0.5, 1, 2, 4, 8];
const MICRO = 1e6;

/** @throws DepinferError `evidence.badBounds` for bounds between which honest and dishonest cannot be told apart. */
export function createEvidence(bounds: EvidenceBounds, { alpha = 1e-4, beta = 1e-2 }: EvidenceOptions = {}): Evidence {
  requireBounds(bounds, alpha, beta);
  const { honestMismatchRate, honestMeanMargin, clip, weakestCheatRate, minimumTokens } = bounds;

  function logEvidence({ tokens, mismatches, marginMicros }: CountedVerdict): number {
    const counted = logMixture(GRID, mismatches, tokens, honestMismatchRate);
    const measured = logMixture(GRID, marginMicros / MICRO / clip, tokens, honestMeanMargin / clip);
    return logMean([counted, measured]);
  }

  return {
    add(state, verdict) {
      const sum = addVerdict(state, verdict, clip);
      const now = sum.tokens < minimumTokens ? Number.NEGATIVE_INFINITY : logEvidence(sum);
      const peak = Math.max(state.peak ?? Number.NEGATIVE_INFINITY, now);
      return { ...sum, peak: Number.isFinite(peak) ? peak : null };
    },
    outcome(state, ordinal, classOrdinal) {
      const failAt = -Math.log(alpha) + logShare(ordinal) + (classOrdinal === undefined ? 0 : logShare(classOrdinal));
      const passAt = -Math.log(beta);
      const logCleared = logMixture(
        GRID.map((theta) => -theta),
        state.mismatches,
        state.tokens,
        weakestCheatRate,
      );
      const failed = state.peak !== null && state.peak >= failAt;
      const outcome = failed ? "fail" : logCleared >= passAt ? "pass" : "inconclusive";
      return { outcome, logEvidence: logEvidence(state), failAt, logCleared, passAt };
    },
  };
}

/** ln of i (i + 1), whose inverses add up to 1 over all i from 1. */
function logShare(ordinal: number): number {
  if (!Number.isSafeInteger(ordinal) || ordinal < 1) {
    throw new RangeError(`${ordinal} is no place in an order`);
  }
  return Math.log(ordinal) + Math.log(ordinal + 1);
}

/**
 * The sums alone, for classes of which no bounds are known.
 *
 * @throws DepinferError `evidence.impossible`.
 */
export function addVerdict(
  state: EvidenceState,
  verdict: CountedVerdict,
  clip = Number.POSITIVE_INFINITY,
): EvidenceState {
  requirePossible(verdict, clip);
  return {
    verdicts: state.verdicts + 1,
    tokens: state.tokens + verdict.tokens,
    mismatches: state.mismatches + verdict.mismatches,
    marginMicros: state.marginMicros + verdict.marginMicros,
    peak: state.peak,
  };
}

/** ln of the mean over θ of exp(θ · sum) / (1 + (e^θ − 1) · rate)^n. */
function logMixture(grid: readonly number[], sum: number, n: number, rate: number): number {
  return logMean(grid.map((theta) => theta * sum - n * Math.log1p(Math.expm1(theta) * rate)));
}

/** ln of the mean of exp(logs), without leaving the range of a double. */
function logMean(logs: readonly number[]): number {
  const largest = Math.max(...logs);
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0) / logs.length);
}

function requireBounds(bounds: EvidenceBounds, alpha: number, beta: number): void {
  const { honestMismatchRate: p0, honestMeanMargin: mu0, clip, weakestCheatRate: p1, minimumTokens } = bounds;
  const between = (value: number, low: number, high: number) => value > low && value < high;
  const good =
    between(p0, 0, 1) &&
    between(clip, 0, Number.POSITIVE_INFINITY) &&
    between(mu0, 0, clip) &&
    between(p1, p0, 1) &&
    minimumTokens >= 0 &&
    between(alpha, 0, 1) &&
    between(beta, 0, 1);
  if (!good) {
    throw new DepinferError({
      code: "evidence.badBounds",
      message: `Mismatch rates ${p0} (honest) and ${p1} (cheat), mean margin ${mu0} of at most ${clip} nats, ${minimumTokens} tokens, error rates ${alpha} and ${beta} are no bounds to judge by`,
      remedy: "Calibrate the class again: 0 < honest rate < cheat rate < 1 and 0 < mean margin < clip must hold",
      metadata: { honestMismatchRate: p0, honestMeanMargin: mu0, clip, weakestCheatRate: p1, alpha, beta },
    });
  }
}

function requirePossible({ tokens, mismatches, marginMicros }: CountedVerdict, clip: number): void {
  const whole = [tokens, mismatches, marginMicros].every((value) => Number.isSafeInteger(value) && value >= 0);
  // Each margin above 0 is a mismatch, and its sum is rounded once.
  if (
    !whole ||
    mismatches > tokens ||
    (mismatches > 0 ? marginMicros > Math.ceil(mismatches * clip * MICRO) : marginMicros > 0)
  ) {
    throw new DepinferError({
      code: "evidence.impossible",
      message: `No answer has ${mismatches} mismatches among ${tokens} informative tokens with margins of ${marginMicros} millionths of a nat in sum`,
      remedy: "Leave the verdict out; its validator attested what cannot be",
      metadata: { tokens, mismatches, marginMicros },
    });
  }
}
