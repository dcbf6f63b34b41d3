import { gumbel, type PositionKey } from "./noise.ts";
import { type Candidates, TOP_K } from "./sampler.ts";

/*
 * How far a chosen token lies from the one that the seed demands (the post-Gumbel margin of Token-DiFR,
 * arXiv 2511.20621, clipped). An honest provider of the same runtime class has margin 0 at every position; one with
 * slightly different arithmetic has a small one now and then; a cheat has large ones often.
 */

export interface MarginOptions {
  /** Nats; candidates this close to the 64th logit may be in or out of another machine's top 64. */
  readonly boundary: number;
  /** Nats; no single position counts for more. */
  readonly clip: number;
  /** Positions whose best token is at least this probable say nothing when they agree. */
  readonly deterministic: number;
}

export interface PositionMargin {
  /** Nats at the request's temperature, from 0 to `clip`. */
  readonly margin: number;
  /** Whether the position could have told a cheat from an honest provider. */
  readonly informative: boolean;
}

/** The logits that a verifier found at one position, and the logit of the token that was delivered there. */
export interface ScoredPosition extends Candidates {
  readonly chosen: number;
  readonly chosenLogit: number;
}

/** @param key the noise of this position, from `createPositionKeys`. */
export function positionMargin(
  scored: ScoredPosition,
  temperature: number,
  key: PositionKey,
  options: MarginOptions,
): PositionMargin {
  const margin = Math.min(
    options.clip,
    temperature === 0 ? greedyMargin(scored) : gumbelMargin(scored, temperature, key, options),
  );
  return { margin, informative: margin > 0 || bestProbability(scored, temperature) < options.deterministic };
}

function greedyMargin({ logits, chosenLogit }: ScoredPosition): number {
  return Math.max(0, (logits[0] ?? chosenLogit) - chosenLogit);
}

function gumbelMargin(scored: ScoredPosition, temperature: number, key: PositionKey, options: MarginOptions): number {
  const { tokens, logits, chosen, chosenLogit } = scored;
  const count = Math.min(tokens.length, TOP_K);
  const cutoff = count < TOP_K ? Number.NEGATIVE_INFINITY : (logits[count - 1] ?? Number.NEGATIVE_INFINITY);
  if (chosenLogit < cutoff - options.boundary) {
    return options.clip;
  }
  const own = chosenLogit / temperature + gumbel(key, chosen);
  let best = own;
  for (let i = 0; i < count; i++) {
    const token = tokens[i] ?? chosen;
    const logit = logits[i] ?? Number.NEGATIVE_INFINITY;
    if (logit < cutoff + options.boundary && token !== chosen) {
      continue;
    }
    best = Math.max(best, logit / temperature + gumbel(key, token));
  }
  return best - own;
}

/** Probability of the best token among the candidates; 1 when greedy has no rival within a nat. */
function bestProbability({ logits }: ScoredPosition, temperature: number): number {
  const best = logits[0] ?? 0;
  const scale = temperature === 0 ? 1 : temperature;
  let sum = 0;
  for (let i = 0; i < logits.length && i < TOP_K; i++) {
    sum += Math.exp(((logits[i] ?? Number.NEGATIVE_INFINITY) - best) / scale);
  }
  return 1 / sum;
}
