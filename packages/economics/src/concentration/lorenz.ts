import { type Amounts, sortedShares } from "./amounts.ts";

/** A point of a Lorenz curve: the poorest `entities` of all have `amount` of the sum; both 0 to 1. */
export interface LorenzPoint {
  readonly entities: number;
  readonly amount: number;
}

/**
 * The Lorenz curve from (0, 0) to (1, 1), at `points` steps at most; Gini is twice the area between it and the diagonal.
 * Null where there is no data.
 */
export function lorenzCurve(amounts: Amounts, points = 100): readonly LorenzPoint[] | null {
  const shares = sortedShares(amounts);
  if (shares === null) {
    return null;
  }
  const n = shares.length;
  const steps = Math.min(n, Math.max(1, Math.floor(points)));
  const curve: LorenzPoint[] = [{ entities: 0, amount: 0 }];
  let amount = 0;
  let taken = 0;
  for (let step = 1; step <= steps; step++) {
    const upTo = Math.round((step * n) / steps);
    for (; taken < upTo; taken++) {
      amount += shares[n - 1 - taken] ?? 0;
    }
    curve.push({ entities: upTo / n, amount: step === steps ? 1 : Math.min(1, amount) });
  }
  return curve;
}
