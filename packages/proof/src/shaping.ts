import { type Generation, isShaped, type Sampling } from "@depinfer/protocol";
import { type ConstraintMachine, type ConstraintState, createConstraintMachine } from "./constraint/constraint.ts";
import { type Candidates, TOP_K } from "./sampler.ts";

/*
 * What decides about a token beside temperature and seed, in this order: bias, penalties over the answer's own tokens,
 * constraint, the best 64 of what is left, top_p. All of it depends on the request and the tokens before alone, so a
 * verifier that has both shapes its own logits in the same way. `specs/06-proof.md` says it exactly.
 */

/** Candidates asked of the engine where a constraint may drop most of them. */
const CONSTRAINED_WINDOW = 256;

/** The tokens of a model, for constraints. */
export interface Vocabulary {
  /** What a token adds to a text; empty for one that shows nothing. */
  text(token: number): string;
  endsTurn(token: number): boolean;
  /** Tokens that show text: the longest first, counted without white space, and the lowest id first among equals. */
  byLength(): readonly number[];
  /** Tokens that end a turn, ascending. */
  readonly endTokens: readonly number[];
}

/** What to ask the engine for at each position. */
export interface Window {
  /** The best by raw logit. */
  readonly top: number;
  /** Tokens that are always told. */
  readonly also: readonly number[];
}

export interface ShapedCandidate {
  readonly token: number;
  readonly raw: number;
  /** Logit after bias and penalties. */
  readonly logit: number;
}

/** Candidates after shaping, best first. */
export interface Shaped extends Candidates {
  /** The token that has to come because the constraint allows nothing of the window. */
  readonly forced: number | null;
}

/** Follows one answer and shapes the choice of each next token. */
export interface Shaping {
  readonly window: Window;
  /** Of the request; see `nucleus`. */
  readonly topP: number;
  /** The candidates that the constraint allows of those in the window, best first, not yet cut to 64. */
  ranked(raw: Candidates): ShapedCandidate[];
  shape(raw: Candidates): Shaped;
  /** The logit of a token with what is added to and taken from it here. */
  adjusted(token: number, raw: number): number;
  allows(token: number): boolean;
  /** The token that comes where nothing in the window is allowed. */
  forced(): number | null;
  /** Takes the token that was chosen; false when the constraint forbids it. */
  push(token: number): boolean;
}

/**
 * Shaping for one answer, or null where nothing is shaped.
 *
 * @param resumed tokens that the answer has already; `push` was true for each of them, or the result is `"forbidden"`.
 */
export function createShaping(
  generation: Sampling & Pick<Generation, "temperature">,
  vocabulary: Vocabulary,
  resumed: readonly number[] = [],
): Shaping | "forbidden" | null {
  if (!isShaped(generation)) {
    return null;
  }
  const { presencePenalty, frequencyPenalty, topP, temperature, constraint } = generation;
  const biases = new Map(generation.logitBias);
  const counts = new Map<number, number>();
  const guard = constraint === null ? null : createGuard(createConstraintMachine(constraint), vocabulary);
  const window: Window = { top: guard === null ? TOP_K : CONSTRAINED_WINDOW, also: [...biases.keys()] };

  function adjusted(token: number, raw: number): number {
    const count = counts.get(token) ?? 0;
    const penalty = count === 0 ? 0 : presencePenalty + frequencyPenalty * count;
    return raw + (biases.get(token) ?? 0) - penalty;
  }

  function ranked({ tokens, logits }: Candidates): ShapedCandidate[] {
    const found: ShapedCandidate[] = [];
    for (const [index, token] of tokens.entries()) {
      if ((index < window.top || biases.has(token)) && guard?.allows(token) !== false) {
        const raw = logits[index] ?? Number.NEGATIVE_INFINITY;
        found.push({ token, raw, logit: adjusted(token, raw) });
      }
    }
    return found.sort((a, b) => b.logit - a.logit || a.token - b.token);
  }

  const shaping: Shaping = {
    window,
    topP,
    ranked,
    adjusted,
    shape(raw) {
      const best = ranked(raw).slice(0, TOP_K);
      const kept = best.slice(0, temperature === 0 ? best.length : nucleus(best, temperature, topP));
      return {
        tokens: kept.map(({ token }) => token),
        logits: kept.map(({ logit }) => logit),
        forced: kept.length === 0 ? shaping.forced() : null,
      };
    },
    allows: (token) => guard?.allows(token) !== false,
    forced: () => guard?.forced() ?? null,
    push(token) {
      counts.set(token, (counts.get(token) ?? 0) + 1);
      return guard?.push(token) !== false;
    },
  };
  return resumed.every((token) => shaping.push(token)) ? shaping : "forbidden";
}

/** How many of the best candidates make up the smallest set with at least `topP` of their probability. */
function nucleus(best: readonly ShapedCandidate[], temperature: number, topP: number): number {
  const before = massesBefore(best, temperature);
  return topP >= 1 ? best.length : before.filter((mass) => mass < topP).length;
}

/** For each candidate, the probability of those before it among all of them. */
export function massesBefore(best: readonly ShapedCandidate[], temperature: number): number[] {
  const top = best[0]?.logit ?? 0;
  const weights = best.map(({ logit }) => Math.exp((logit - top) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight) => {
    const before = sum / total;
    sum += weight;
    return before;
  });
}

/** A constraint that follows the tokens of an answer. */
function createGuard(machine: ConstraintMachine, vocabulary: Vocabulary) {
  let state: ConstraintState = machine.start;

  function after(token: number): ConstraintState | undefined {
    if (vocabulary.endsTurn(token)) {
      return machine.ends(state) ? state : undefined;
    }
    return machine.next(state, vocabulary.text(token));
  }

  return {
    allows: (token: number) => after(token) !== undefined,
    push(token: number): boolean {
      const next = after(token);
      state = next ?? state;
      return next !== undefined;
    },
    forced(): number | null {
      if (machine.ends(state)) {
        return vocabulary.endTokens[0] ?? null;
      }
      const firsts = new Map<string, boolean>();
      for (const token of vocabulary.byLength()) {
        const shown = vocabulary.text(token);
        const first = String.fromCodePoint(shown.codePointAt(0) ?? 0);
        const possible = firsts.get(first) ?? machine.next(state, first) !== undefined;
        firsts.set(first, possible);
        if (possible && machine.next(state, shown) !== undefined) {
          return token;
        }
      }
      return null;
    },
  };
}
