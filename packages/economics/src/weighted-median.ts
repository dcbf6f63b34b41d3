/** An amount, and how much it counts. */
export interface Weighted {
  readonly value: bigint;
  /** At least 0; what has no weight does not count. */
  readonly weight: number;
}

/**
 * The least value such that half of the weight has it or less: no average of two, so that it is always a value that somebody
 * gave, and half of all capacity has to be moved to move it at will. Null where nothing has weight.
 *
 * @throws RangeError for a weight that is negative or not finite.
 */
export function weightedMedianDown(amounts: readonly Weighted[]): bigint | null {
  const bad = amounts.find(({ weight }) => !(weight >= 0 && Number.isFinite(weight)));
  if (bad !== undefined) {
    throw new RangeError(`a weight of ${bad.weight} is not a number of at least 0`);
  }
  const counted = amounts
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  const half = counted.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let reached = 0;
  for (const { value, weight } of counted) {
    reached += weight;
    if (reached >= half) {
      return value;
    }
  }
  return null;
}
