import { sortedShares } from "../concentration/amounts.ts";
import { normal } from "../random.ts";
import {
  type DecentralisationIndex,
  decentralisationIndex,
  HOLD_UP_SHARE,
  type IndexLayer,
  indexOfScores,
  scoreOfCount,
} from "./decentralisation-index.ts";

/*
 * How far an index over a window is known. What was paid in a window is a sample of what might have been: of other requests
 * of the same market. Under the Poisson bootstrap each request counts a Poisson(1) number of times, so that an entity with
 * requests of c₁, c₂, … has Σc on average with a variance of Σc². Sums of many requests are near normal, and are drawn so
 * (Chamandy, Muralidharan, Najmi and Naidu 2012). What is counted whole, such as capacity, has no variance.
 *
 * A sample is less even than what it is taken from, so that too few seem to hold it up, and in resamples fewer still. The
 * interval is therefore the hull of two: where the resamples are (percentiles), and that reflected at the figure (the basic
 * bootstrap, which takes such a bias out; Davison and Hinkley 1997, 5.2), both of the count of controllers with its fraction,
 * since whole numbers hide how near the next one is. It is wide rather than wrong.
 */

export interface SampledLayer extends IndexLayer {
  /** Σc² of each entity, beside its amount; left out for what is counted whole. */
  readonly squares?: Float64Array;
}

/** Holds the figure of the market that was sampled in at least about 95 of 100 windows. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface SampledIndex extends DecentralisationIndex {
  /** From all layers at their low ends to all at their high ends; null without an index, and where nothing was sampled. */
  readonly interval: Interval | null;
  /** Of each layer's score, in the order given; null as above. */
  readonly scoreIntervals: readonly (Interval | null)[];
}

const MOST_DRAWS = 400;
const LEAST_DRAWS = 100;
/** Entities drawn for one interval: many entities are drawn less often, since an index is measured again and again. */
const ENTITIES_DRAWN = 400_000;
const TAIL = 0.025;

/**
 * The index with its intervals.
 *
 * @param random uniform in [0, 1), passed in so that a figure can be repeated.
 * @throws as `decentralisationIndex`.
 */
export function sampledIndex(layers: readonly SampledLayer[], random: () => number): SampledIndex {
  const found = decentralisationIndex(layers);
  const scoreIntervals = layers.map((layer) => scoreInterval(layer, random));
  const ends = (end: keyof Interval) =>
    indexOfScores(found.layers.map(({ score }, at) => scoreIntervals[at]?.[end] ?? score)) ?? 0;
  const known = found.index !== null && scoreIntervals.some((interval) => interval !== null);
  return { ...found, scoreIntervals, interval: known ? { low: ends("low"), high: ends("high") } : null };
}

function scoreInterval({ amounts, squares, target }: SampledLayer, random: () => number): Interval | null {
  const figure = controllers(amounts);
  if (squares === undefined || figure === null) {
    return null;
  }
  const count = Math.max(LEAST_DRAWS, Math.min(MOST_DRAWS, Math.floor(ENTITIES_DRAWN / amounts.length)));
  const draws = Array.from({ length: count }, () => controllers(drawn(amounts, squares, random)) ?? figure).sort(
    (a, b) => a - b,
  );
  const at = (share: number) => draws[Math.floor(share * count)] ?? figure;
  const [low, high] = [at(TAIL), at(1 - TAIL)];
  const score = (needed: number) => scoreOfCount(Math.max(1, Math.ceil(needed)), target);
  return { low: score(Math.min(low, 2 * figure - high)), high: score(Math.max(high, 2 * figure - low)) };
}

/** How many of the largest make up 33 %, with the part of the last one that is needed; null without data. */
function controllers(amounts: IndexLayer["amounts"]): number | null {
  const shares = sortedShares(amounts);
  if (shares === null) {
    return null;
  }
  let sum = 0;
  for (let count = 0; count < shares.length; count++) {
    const share = shares[count] ?? 0;
    if (sum + share > HOLD_UP_SHARE) {
      return count + (HOLD_UP_SHARE - sum) / share;
    }
    sum += share;
  }
  return shares.length;
}

function drawn(amounts: IndexLayer["amounts"], squares: Float64Array, random: () => number): Float64Array {
  const draw = new Float64Array(amounts.length);
  for (let at = 0; at < draw.length; at++) {
    draw[at] = Math.max(0, Number(amounts[at] ?? 0) + Math.sqrt(squares[at] ?? 0) * normal(random));
  }
  return draw;
}
