import type { Chain } from "@depinfer/chain";
import type { Hex } from "@depinfer/protocol";

/** Everything that one account has outside channels, in units of six decimals. */
export interface Holdings {
  readonly wallet: bigint;
  readonly stake: bigint;
  /** Shares of slashes and bonds that it can withdraw. */
  readonly claimable: bigint;
}

export async function holdingsOf(chain: Chain, account: Hex): Promise<Holdings> {
  const [wallet, stake, shares, bonds] = await Promise.all([
    chain.usd.balanceOf(account),
    chain.stake.of(account),
    chain.stake.claimable(account),
    chain.disputes.claimable(account),
  ]);
  return { wallet, stake: stake.amount, claimable: shares + bonds };
}

export function total({ wallet, stake, claimable }: Holdings): bigint {
  return wallet + stake + claimable;
}

/** A person or role in a dispute, with what it had before and has after. */
export interface Account {
  readonly role: string;
  readonly account: Hex;
  readonly before: Holdings;
  readonly after: Holdings;
}

/** Remembers what accounts have now; the result looks again. */
export async function snapshot(
  chain: Chain,
  roles: readonly { readonly role: string; readonly account: Hex }[],
): Promise<() => Promise<readonly Account[]>> {
  const before = await Promise.all(roles.map(({ account }) => holdingsOf(chain, account)));
  return async () =>
    Promise.all(
      roles.map(async ({ role, account }, index) => ({
        role,
        account,
        before: before[index] ?? { wallet: 0n, stake: 0n, claimable: 0n },
        after: await holdingsOf(chain, account),
      })),
    );
}
