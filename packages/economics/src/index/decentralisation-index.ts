import type { Amounts } from "../concentration/amounts.ts";
import { EconomicsError } from "../concentration/economics-error.ts";
import { nakamotoCoefficient } from "../concentration/measures.ts";

/*
 * One figure for the whole network. A layer is something that a few could control; its score compares how few that are
 * with how many would be enough:
 *
 *   x = min(1, ln NC33 / ln T)        index = 100 · exp(mean of ln x over the layers)
 *
 * The mean is geometric: a layer with one controller makes the index zero, however well the others do.
 */

/** Share of a layer that is enough to hold it up. */
export const HOLD_UP_SHARE = 0.33;

/** A layer and what each entity has of it, clustered. */
export interface IndexLayer {
  readonly name: string;
  readonly amounts: Amounts;
  /** Controllers that would be enough: T, at least 2. */
  readonly target: number;
}

export interface LayerScore {
  readonly name: string;
  readonly entities: number;
  /** How few together have more than 33 %; null where there is no data. */
  readonly nc33: number | null;
  readonly target: number;
  /** 0 to 1; null where there is no data. */
  readonly score: number | null;
}

export interface DecentralisationIndex {
  /** 0 to 100; null where no layer has data. */
  readonly index: number | null;
  /** The layer with the lowest score. */
  readonly weakest: string | null;
  readonly layers: readonly LayerScore[];
  /** Layers that say nothing because nothing is known of them. They are named, since they could hide anything. */
  readonly withoutData: readonly string[];
}

/** @throws EconomicsError `economics.badTarget`, and those of the measures. */
export function decentralisationIndex(layers: readonly IndexLayer[]): DecentralisationIndex {
  const scored = layers.map(scoreOf);
  const known = scored.flatMap(({ name, score }) => (score === null ? [] : [{ name, score }]));
  const weakest = known.reduce<(typeof known)[number] | null>(
    (worst, layer) => (worst === null || layer.score < worst.score ? layer : worst),
    null,
  );
  return {
    index: indexOfScores(known.map(({ score }) => score)),
    weakest: weakest?.name ?? null,
    layers: scored,
    withoutData: scored.flatMap(({ name, score }) => (score === null ? [name] : [])),
  };
}

/** 100 times the geometric mean of scores; those of layers without data are left out, and none give null. */
export function indexOfScores(scores: readonly (number | null)[]): number | null {
  const known = scores.filter((score) => score !== null);
  return known.length === 0
    ? null
    : 100 * Math.exp(known.reduce((sum, score) => sum + Math.log(score), 0) / known.length);
}

/** Score of a layer that so few together hold up. */
export function scoreOfCount(nc33: number, target: number): number {
  return Math.min(1, Math.log(nc33) / Math.log(target));
}

function scoreOf({ name, amounts, target }: IndexLayer): LayerScore {
  if (!(target >= 2 && Number.isFinite(target))) {
    throw new EconomicsError({
      code: "economics.badTarget",
      message: `The layer ${name} has a target of ${target} controllers`,
      remedy: "Pass 2 or more",
      metadata: { name, target },
    });
  }
  const nc33 = nakamotoCoefficient(amounts, HOLD_UP_SHARE);
  return {
    name,
    entities: amounts.length,
    nc33,
    target,
    score: nc33 === null ? null : scoreOfCount(nc33, target),
  };
}
