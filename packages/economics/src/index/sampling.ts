import { normal } from "../random.ts";
import { type DecentralisationIndex, decentralisationIndex, type IndexLayer } from "./decentralisation-index.ts";

/*
 * How far an index over a window is known. What was paid in a window is a sample of what might have been: of other requests
 * of the same market. Under the Poisson bootstrap each request counts a Poisson(1) number of times, so that an entity with
 * requests of c₁, c₂, … has Σc on average with a variance of Σc². Sums of many requests are near normal, and are drawn so
 * (Chamandy, Muralidharan, Najmi and Naidu 2012). What is counted whole, such as capacity, has no variance.
 *
 * A sample is less even than what it is taken from, so that its Nakamoto coefficient is too low, and that of its resamples
 * lower still. The interval is therefore the hull of two: where the resamples are (percentiles), and that reflected at the
 * figure (the basic bootstrap, which takes such a bias out; Davison and Hinkley 1997, 5.2). It is wide rather than wrong.
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
  /** Null where there is no index, or where nothing in it was sampled. */
  readonly interval: Interval | null;
  /** Of each layer's score, in the order given; null as above. */
  readonly scoreIntervals: readonly (Interval | null)[];
}

const DRAWS = 400;
const TAIL = 0.025;

/**
 * The index with its intervals.
 *
 * @param random uniform in [0, 1), passed in so that a figure can be repeated.
 * @throws as `decentralisationIndex`.
 */
export function sampledIndex(layers: readonly SampledLayer[], random: () => number): SampledIndex {
  const found = decentralisationIndex(layers);
  const sampled = layers.some(({ squares }) => squares !== undefined);
  if (found.index === null || !sampled) {
    return { ...found, interval: null, scoreIntervals: layers.map(() => null) };
  }
  const draws = Array.from({ length: DRAWS }, () =>
    decentralisationIndex(layers.map((layer) => ({ ...layer, amounts: drawn(layer, random) }))),
  );
  return {
    ...found,
    interval: intervalOf(
      draws.map(({ index }) => index),
      found.index,
      100,
    ),
    scoreIntervals: layers.map(({ squares }, at) =>
      squares === undefined
        ? null
        : intervalOf(
            draws.map((draw) => draw.layers[at]?.score ?? null),
            found.layers[at]?.score ?? null,
            1,
          ),
    ),
  };
}

function drawn({ amounts, squares }: SampledLayer, random: () => number): IndexLayer["amounts"] {
  if (squares === undefined) {
    return amounts;
  }
  const draw = new Float64Array(amounts.length);
  for (let at = 0; at < draw.length; at++) {
    draw[at] = Math.max(0, Number(amounts[at] ?? 0) + Math.sqrt(squares[at] ?? 0) * normal(random));
  }
  return draw;
}

function intervalOf(values: readonly (number | null)[], figure: number | null, most: number): Interval | null {
  const known = values.flatMap((value) => (value === null ? [] : [value])).sort((a, b) => a - b);
  const at = (share: number) => known[Math.min(known.length - 1, Math.floor(share * known.length))];
  const [low, high] = [at(TAIL), at(1 - TAIL)];
  if (low === undefined || high === undefined || figure === null) {
    return null;
  }
  return { low: Math.max(0, Math.min(low, 2 * figure - high)), high: Math.min(most, Math.max(high, 2 * figure - low)) };
}
