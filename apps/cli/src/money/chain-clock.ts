import type { Chain } from "@depinfer/chain";

/**
 * Unix second by which the next transaction would be judged. A chain that makes blocks only for transactions may have an
 * old newest block; its next one takes the time of the day.
 */
export async function chainNow(chain: Pick<Chain, "blockTime">): Promise<number> {
  return Math.max(await chain.blockTime(), Math.floor(Date.now() / 1000));
}
