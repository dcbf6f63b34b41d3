import type { Chain } from "@depinfer/chain";
import { chainNow } from "./chain-clock.ts";
import { openChannels } from "./channels-on-chain.ts";
import { type Position, positionsOf, type Supply, sumOf, supplyOf } from "./positions.ts";
import { type Promised, promisesOf, unclaimedByX402 } from "./promises.ts";
import type { Wallet } from "./wallets.ts";

/** Where all units of some wallets are. */
export interface MoneyOverview {
  /** Units of all positions. */
  readonly total: bigint;
  /** Unix second by the chain's clock. */
  readonly now: number;
  readonly positions: readonly Position[];
  readonly promises: readonly Promised[];
  /** Units that callers by x402 owe and that are not claimed. */
  readonly x402: bigint;
  readonly supply: Supply;
}

/** @param onChannels told how many channels are open, once that is known. */
export async function moneyOf(
  chain: Chain,
  wallets: readonly Wallet[],
  onChannels: (count: number) => void = () => undefined,
): Promise<MoneyOverview> {
  const [now, channels] = await Promise.all([chainNow(chain), openChannels(chain)]);
  onChannels(channels.length);
  const found = await Promise.all(wallets.map((wallet) => positionsOf(chain, wallet, channels)));
  const positions = found.flat();
  const [supply, promises, x402] = await Promise.all([
    supplyOf(chain, positions),
    promisesOf(wallets),
    unclaimedByX402(wallets),
  ]);
  return { total: sumOf(positions), now, positions, promises, x402, supply };
}
