import { createPositionKeys, gumbel, MOST_NOISE, type PositionKey } from "./noise.ts";

/** Name of this sampling rule; part of the runtime class, so any change of rule is a change of name. */
export const SAMPLER_VERSION = "gumbel-hmac-sha256-top64/1";

/** Tokens that take part in the draw: the best by logit. */
export const TOP_K = 64;

/** The best tokens of one position with their undivided logits, best first. Both arrays have the same length. */
export interface Candidates {
  readonly tokens: readonly number[];
  readonly logits: readonly number[];
}

/** Draws the token of one position from its candidates. */
export type Sampler = (candidates: Candidates, position: number) => number;

/**
 * Draws by the Gumbel-max rule: argmax(logit / temperature + noise) over the top 64, which is a sample from the softmax
 * at that temperature (Gumbel 1954; Maddison et al. 2014). Temperature 0 is argmax of logits. Ties go to the earlier
 * candidate.
 *
 * @throws RangeError when there is no candidate.
 */
export function createSampler(temperature: number, seed: Uint8Array): Sampler {
  const keyOf = createPositionKeys(seed);
  return (candidates, position) =>
    temperature === 0 ? best(candidates) : argmaxWithNoise(candidates, temperature, keyOf(position));
}

/** As `createSampler`, for a single position. */
export function sampleToken(candidates: Candidates, temperature: number, seed: Uint8Array, position: number): number {
  return createSampler(temperature, seed)(candidates, position);
}

function best({ tokens }: Candidates): number {
  const first = tokens[0];
  if (first === undefined) {
    throw new RangeError("no candidates to sample from");
  }
  return first;
}

function argmaxWithNoise(candidates: Candidates, temperature: number, key: PositionKey): number {
  const { tokens, logits } = candidates;
  let choice = best(candidates);
  let highest = Number.NEGATIVE_INFINITY;
  const count = Math.min(tokens.length, TOP_K);
  for (let i = 0; i < count; i++) {
    const token = tokens[i] ?? choice;
    const scaled = (logits[i] ?? Number.NEGATIVE_INFINITY) / temperature;
    if (scaled + MOST_NOISE < highest) {
      break; // Candidates come best first: no later one can win any more.
    }
    const score = scaled + gumbel(key, token);
    if (score > highest) {
      highest = score;
      choice = token;
    }
  }
  return choice;
}
