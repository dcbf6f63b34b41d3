import type { Transcript } from "./stream.ts";

/*
 * Cheats that are a choice of when to cheat: their histories are put together from honest answers and from answers of
 * a smaller model, each drawn without replacement until its pool is used up.
 */

export interface PooledAdversary {
  readonly name: string;
  readonly description: string;
  /** Share of answers that are cheated. */
  readonly share: number;
}

const sparse = (share: number): PooledAdversary => ({
  name: `sparse ${share * 100} %`,
  description: `answers ${share * 100} % of the requests with a smaller model`,
  share,
});

export const POOLED_ADVERSARIES: readonly PooledAdversary[] = [sparse(0.01), sparse(0.05), sparse(0.1), sparse(0.3)];

/** A history in which each answer is cheated with probability `share`, until the honest pool or the cheats run out. */
export function mixPools(
  honest: readonly Transcript[],
  cheated: readonly Transcript[],
  share: number,
  random: () => number,
): Transcript[] {
  const history: Transcript[] = [];
  let honestNext = 0;
  let cheatedNext = 0;
  for (;;) {
    const next = random() < share ? cheated[cheatedNext++] : honest[honestNext++];
    if (next === undefined) {
      return history;
    }
    history.push(next);
  }
}
