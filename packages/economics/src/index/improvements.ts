import { decentralisationIndex, type IndexLayer, indexOfScores, scoreOfCount } from "./decentralisation-index.ts";

/** What one controller more in one layer would do. */
export interface Improvement {
  readonly layer: string;
  /** Controllers that would then be needed to hold it up. */
  readonly nc33: number;
  /** The index then. */
  readonly index: number;
}

/**
 * The layers in the order in which one controller more would raise the index, most first. While several layers have a single
 * controller the index stays at zero; the lowest of those come first then.
 *
 * @throws as `decentralisationIndex`.
 */
export function improvementsOf(layers: readonly IndexLayer[]): readonly Improvement[] {
  const { layers: scored } = decentralisationIndex(layers);
  const known = scored.flatMap(({ name, nc33, target, score }) =>
    nc33 === null || score === null ? [] : [{ name, nc33, target, score }],
  );
  return known
    .filter(({ score }) => score < 1)
    .map(({ name, nc33, target, score }) => {
      const better = scoreOfCount(nc33 + 1, target);
      const index = indexOfScores(known.map((layer) => (layer.name === name ? better : layer.score))) ?? 0;
      return { layer: name, nc33: nc33 + 1, score, index };
    })
    .sort((a, b) => b.index - a.index || a.score - b.score)
    .map(({ score: _, ...improvement }) => improvement);
}
