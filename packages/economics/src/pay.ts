/*
 * Pay is linear in verified work: the only rule that is symmetric, balances the budget and is proof against splitting and
 * merging (Chen, Papadimitriou and Roughgarden 2019). What a job costs is divided into the provider's part and the fee, to
 * the unit; what may be given on top of it never exceeds the fee that the same job left.
 */

/** Parts of ten thousand. */
const BPS = 10_000n;

export interface Pay {
  readonly provider: bigint;
  readonly fee: bigint;
}

/** Divides the cost of a job, in units; the fee is rounded down. @throws RangeError for a negative cost or a fee above all. */
export function divideCost(cost: bigint, feeBps: number): Pay {
  if (cost < 0n || !Number.isInteger(feeBps) || feeBps < 0 || feeBps > Number(BPS)) {
    throw new RangeError(`a cost of ${cost} cannot be divided at ${feeBps} of 10,000`);
  }
  const fee = (cost * BigInt(feeBps)) / BPS;
  return { provider: cost - fee, fee };
}

/**
 * What may be given for a job beside its pay: at most the fee that stayed for it. Whoever buys from itself gets back its own
 * pay and at most the fee, so that wash trading never earns.
 */
export function cappedEmission(wanted: bigint, { fee }: Pay): bigint {
  return wanted < 0n ? 0n : wanted < fee ? wanted : fee;
}
