import { gumbel, type PositionKey, positionKey } from "./noise.ts";

/** Name of this sampling rule; part of the runtime class, so any change of rule is a change of name. */
export const SAMPLER_VERSION = "gumbel-hmac-sha256-top64/1";

/** Tokens that take part in the draw: the best by logit. */
export const TOP_K = 64;

/** The best tokens of one position with their undivided logits, best first. Both arrays have the same length. */
export interface Candidates {
  readonly tokens: readonly number[];
  readonly logits: readonly number[];
}

/**
 * Draws the token at `position` by the Gumbel-max rule: argmax(logit / temperature + noise) over the top 64, which is
 * a sample from the softmax at that temperature (Gumbel 1954; Maddison et al. 2014). Temperature 0 is argmax of logits.
 * Ties go to the earlier candidate.
 */
export function sampleToken(candidates: Candidates, temperature: number, seed: Uint8Array, position: number): number {
  const { tokens, logits } = candidates;
  const first = tokens[0];
  if (first === undefined) {
    throw new RangeError("no candidates to sample from");
  }
  return temperature === 0 ? first : argmaxWithNoise(tokens, logits, temperature, positionKey(seed, position), first);
}

function argmaxWithNoise(
  tokens: readonly number[],
  logits: readonly number[],
  temperature: number,
  key: PositionKey,
  first: number,
): number {
  let best = Number.NEGATIVE_INFINITY;
  let choice = first;
  const count = Math.min(tokens.length, TOP_K);
  for (let i = 0; i < count; i++) {
    const token = tokens[i] ?? first;
    const score = (logits[i] ?? Number.NEGATIVE_INFINITY) / temperature + gumbel(key, token);
    if (score > best) {
      best = score;
      choice = token;
    }
  }
  return choice;
}
