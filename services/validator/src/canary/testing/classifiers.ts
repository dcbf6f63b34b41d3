/*
 * Three small classifiers of different kinds, which together find linear, local and threshold-like differences.
 */

export interface Sample {
  readonly features: readonly number[];
  /** 1 for what is to be found. */
  readonly label: 0 | 1;
}

export interface Scored {
  readonly score: number;
  readonly label: 0 | 1;
}

export const KINDS = ["logistic regression", "nearest neighbours", "boosted stumps"] as const;
export type Kind = (typeof KINDS)[number];

type Model = (features: readonly number[]) => number;

const FOLDS = 5;

/** Scores every sample by a model that was fitted without its fold. */
export function crossValidated(kind: Kind, samples: readonly Sample[], random: () => number): Scored[] {
  const order = samples
    .map((sample) => ({ sample, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ sample }) => sample);
  return Array.from({ length: FOLDS }, (_, fold) => {
    const training = order.filter((_sample, index) => index % FOLDS !== fold);
    const scale = standardiser(training);
    const fitted = FITS[kind](training.map(({ features, label }) => ({ features: scale(features), label })));
    return order
      .filter((_sample, index) => index % FOLDS === fold)
      .map(({ features, label }) => ({ score: fitted(scale(features)), label }));
  }).flat();
}

/** Area under the ROC curve: the chance that a positive scores above a negative, ties counting half. */
export function area(scored: readonly Scored[]): number {
  const ordered = [...scored].sort((a, b) => a.score - b.score);
  const positives = scored.filter(({ label }) => label === 1).length;
  const negatives = scored.length - positives;
  let rankSum = 0;
  for (let start = 0; start < ordered.length; ) {
    let end = start;
    while (end < ordered.length && ordered[end]?.score === ordered[start]?.score) {
      end += 1;
    }
    const rank = (start + end + 1) / 2;
    rankSum += rank * ordered.slice(start, end).filter(({ label }) => label === 1).length;
    start = end;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

const RESAMPLES = 400;

/**
 * 95 % percentile interval of the mean area over several worlds: worlds are drawn again, and samples within each class
 * of each (Efron 1979). One world alone differs from another by more than its own samples tell.
 */
export function bootstrapInterval(worlds: readonly (readonly Scored[])[], random: () => number): [number, number] {
  const again = <Value>(values: readonly Value[]): Value[] =>
    values.flatMap(() => {
      const drawn = values[Math.floor(random() * values.length)];
      return drawn === undefined ? [] : [drawn];
    });
  const resampled = () =>
    again(worlds).map((scored) => area([0, 1].flatMap((label) => again(scored.filter((one) => one.label === label)))));
  const means = Array.from({ length: RESAMPLES }, () => {
    const areas = resampled();
    return areas.reduce((sum, value) => sum + value, 0) / areas.length;
  }).sort((a, b) => a - b);
  return [means[Math.floor(0.025 * RESAMPLES)] ?? 0, means[Math.ceil(0.975 * RESAMPLES) - 1] ?? 1];
}

function standardiser(samples: readonly Sample[]): (features: readonly number[]) => number[] {
  const count = samples[0]?.features.length ?? 0;
  const columns = Array.from({ length: count }, (_, column) => {
    const values = samples.map(({ features }) => features[column] ?? 0);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    return { mean, deviation: Math.sqrt(variance) || 1 };
  });
  return (features) => columns.map(({ mean, deviation }, column) => ((features[column] ?? 0) - mean) / deviation);
}

const FITS: Readonly<Record<Kind, (samples: readonly Sample[]) => Model>> = {
  "logistic regression": fitLogistic,
  "nearest neighbours": fitNeighbours,
  "boosted stumps": fitStumps,
};

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Gradient descent with a little ridge. */
function fitLogistic(samples: readonly Sample[]): Model {
  const count = samples[0]?.features.length ?? 0;
  const weights = Array.from({ length: count + 1 }, () => 0);
  const score = (features: readonly number[]) =>
    features.reduce((sum, value, column) => sum + value * (weights[column] ?? 0), weights[count] ?? 0);
  for (let step = 0; step < 200; step++) {
    const gradient = weights.map((weight) => 0.01 * weight);
    for (const { features, label } of samples) {
      const error = (sigmoid(score(features)) - label) / samples.length;
      features.forEach((value, column) => {
        gradient[column] = (gradient[column] ?? 0) + error * value;
      });
      gradient[count] = (gradient[count] ?? 0) + error;
    }
    gradient.forEach((slope, column) => {
      weights[column] = (weights[column] ?? 0) - 0.5 * slope;
    });
  }
  return score;
}

const NEIGHBOURS = 15;

function fitNeighbours(samples: readonly Sample[]): Model {
  return (features) => {
    const nearest = samples
      .map((sample) => ({
        label: sample.label,
        distance: sample.features.reduce((sum, value, column) => sum + (value - (features[column] ?? 0)) ** 2, 0),
      }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, NEIGHBOURS);
    return nearest.reduce((sum, { label }) => sum + label, 0) / NEIGHBOURS;
  };
}

const ROUNDS = 60;
const RATE = 0.15;
const CUTS = 12;

/** Gradient boosting of single splits under logistic loss (Friedman 2001). */
function fitStumps(samples: readonly Sample[]): Model {
  const count = samples[0]?.features.length ?? 0;
  const stumps: { column: number; cut: number; below: number; above: number }[] = [];
  const cuts = Array.from({ length: count }, (_, column) => {
    const values = samples.map(({ features }) => features[column] ?? 0).sort((a, b) => a - b);
    return [
      ...new Set(
        Array.from({ length: CUTS }, (_c, i) => values[Math.floor(((i + 1) * values.length) / (CUTS + 1))] ?? 0),
      ),
    ];
  });
  const scores = samples.map(() => 0);
  for (let round = 0; round < ROUNDS; round++) {
    const residuals = samples.map(({ label }, index) => label - sigmoid(scores[index] ?? 0));
    let best = { gain: 0, column: 0, cut: 0, below: 0, above: 0 };
    for (let column = 0; column < count; column++) {
      for (const cut of cuts[column] ?? []) {
        let [sumBelow, below, sumAbove, above] = [0, 0, 0, 0];
        samples.forEach(({ features }, index) => {
          const residual = residuals[index] ?? 0;
          if ((features[column] ?? 0) <= cut) {
            sumBelow += residual;
            below += 1;
          } else {
            sumAbove += residual;
            above += 1;
          }
        });
        const gain = sumBelow ** 2 / Math.max(1, below) + sumAbove ** 2 / Math.max(1, above);
        if (gain > best.gain) {
          best = {
            gain,
            column,
            cut,
            below: (4 * sumBelow) / Math.max(1, below),
            above: (4 * sumAbove) / Math.max(1, above),
          };
        }
      }
    }
    stumps.push(best);
    samples.forEach(({ features }, index) => {
      scores[index] =
        (scores[index] ?? 0) + RATE * ((features[best.column] ?? 0) <= best.cut ? best.below : best.above);
    });
  }
  return (features) =>
    stumps.reduce(
      (sum, { column, cut, below, above }) => sum + RATE * ((features[column] ?? 0) <= cut ? below : above),
      0,
    );
}
