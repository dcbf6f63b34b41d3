import type { Chain } from "@depinfer/chain";
import type { Hex } from "@depinfer/protocol";
import type { Ledger, LedgerChannel } from "./ledger.ts";

/** What claiming did. */
export interface Claimed {
  /** The last transaction, or null when there was nothing to claim. */
  readonly claimTx: Hex | null;
  readonly gasUsed: bigint;
  /** Units that became the provider's. */
  readonly claimed: bigint;
}

/**
 * Vouchers in one transaction. A voucher takes about 16,500 gas in a batch, so that a hundred stay far below the gas that
 * blocks have, and one that cannot be claimed holds up no more than its batch.
 */
export const MOST_CLAIMS = 100;

/**
 * Claims the best voucher of each channel for exactly its amount, where it is above what was claimed before. What counts
 * as claimed is read back from the chain, not assumed, so that repeating is safe and a claim that a reorganisation took
 * away is made again.
 */
export async function claimAll(
  chain: { readonly channels: Pick<Chain["channels"], "state" | "claimBatch"> },
  ledger: Ledger,
  ids: readonly Hex[],
): Promise<Claimed> {
  let result: Claimed = { claimTx: null, gasUsed: 0n, claimed: 0n };
  for (let start = 0; start < ids.length; start += MOST_CLAIMS) {
    const some = await claimSome(chain, ledger, ids.slice(start, start + MOST_CLAIMS));
    result = {
      claimTx: some.claimTx ?? result.claimTx,
      gasUsed: result.gasUsed + some.gasUsed,
      claimed: result.claimed + some.claimed,
    };
  }
  return result;
}

async function claimSome(
  chain: { readonly channels: Pick<Chain["channels"], "state" | "claimBatch"> },
  ledger: Ledger,
  ids: readonly Hex[],
): Promise<Claimed> {
  const channels = ids.flatMap((id) => ledger.channel(id) ?? []);
  const before = await Promise.all(channels.map((channel) => readSettled(chain, ledger, channel)));
  const due = channels.flatMap(({ config, vouchered, signature }, index) => {
    const { settled = 0n, open = false } = before[index] ?? {};
    return open && signature !== null && vouchered > settled
      ? [{ index, claim: { config, maxClaimableAmount: vouchered, signature } }]
      : [];
  });
  if (due.length === 0) {
    return { claimTx: null, gasUsed: 0n, claimed: 0n };
  }
  const sent = await chain.channels.claimBatch(due.map(({ claim }) => claim));
  let claimed = 0n;
  for (const { index } of due) {
    const channel = channels[index];
    if (channel !== undefined) {
      const { settled } = await readSettled(chain, ledger, channel);
      claimed += settled - (before[index]?.settled ?? 0n);
    }
  }
  return { claimTx: sent.hash, gasUsed: sent.gasUsed, claimed };
}

/** Reads what was claimed, and notes it where it is new. */
async function readSettled(
  chain: { readonly channels: Pick<Chain["channels"], "state"> },
  ledger: Ledger,
  { id }: LedgerChannel,
): Promise<{ readonly settled: bigint; readonly open: boolean }> {
  const { settled, status } = await chain.channels.state(id);
  const now = ledger.channel(id);
  if (now !== undefined && (now.settled !== settled || now.closed !== (status === "closed"))) {
    await ledger.saveSettled(id, settled, status === "closed");
  }
  return { settled, open: status === "open" };
}
