/*
 * What a pass paid for and its holder did not use is shared among the providers that served that very pass, in
 * proportion to the verified tokens that they served it. Sharing across passes would be farmed: the owner of a provider
 * would buy a pass, use it up on itself, and take a part of what other holders left unused. So a pass's surplus never
 * leaves those who served it, and a provider that buys its own pass gets back at most what it paid less the fee.
 */

/** A pass that was settled in the period. */
export interface SettledPass {
  readonly id: bigint;
  /** Units that nobody used and nobody got back. */
  readonly surplus: bigint;
  /** Verified tokens (prompt and output) that each provider served to the pass. */
  readonly served: ReadonlyMap<string, bigint>;
}

/**
 * Units of surplus per provider, rounded down for each pass. A pass that nobody served, and what rounding leaves, is
 * nobody's.
 *
 * @throws RangeError for a negative surplus or token count.
 */
export function shareSurplus(passes: readonly SettledPass[]): ReadonlyMap<string, bigint> {
  const shares = new Map<string, bigint>();
  for (const { id, surplus, served } of passes) {
    const tokens = [...served.values()].reduce((sum, count) => sum + count, 0n);
    if (surplus < 0n || [...served.values()].some((count) => count < 0n)) {
      throw new RangeError(`pass ${id} has a negative surplus or token count`);
    }
    for (const [provider, count] of served) {
      const share = tokens === 0n ? 0n : (surplus * count) / tokens;
      if (share > 0n) {
        shares.set(provider, (shares.get(provider) ?? 0n) + share);
      }
    }
  }
  return shares;
}
