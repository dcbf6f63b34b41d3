import type { Chain } from "@depinfer/chain";
import {
  type DomainBinding,
  type Hex,
  merkleRoot,
  microUsd,
  receiptDigest,
  type SignedReceipt,
  toHex,
} from "@depinfer/protocol";
import type { Epoch, Ledger } from "./ledger.ts";
import { claimAll } from "./vouchers-on-chain.ts";

export interface EpochModules {
  readonly chain: {
    readonly channels: Pick<Chain["channels"], "state" | "claimBatch">;
    readonly receipts: Pick<Chain["receipts"], "lastEpoch" | "postRoot">;
  };
  readonly ledger: Ledger;
}

/** What one settlement did on chain. */
export interface Settlement {
  /** Epoch whose root was posted, or null when there was nothing new to post. */
  readonly epoch: number | null;
  readonly rootTx: Hex | null;
  /** Last transaction that claimed vouchers, or null when there was nothing to claim. */
  readonly claimTx: Hex | null;
  readonly gasUsed: bigint;
  /** Units that became the provider's. */
  readonly claimed: bigint;
  readonly receipts: number;
}

/**
 * Posts the roots of epochs that the chain does not have and claims every voucher above what was claimed before.
 * Safe to repeat: what is on chain already is left alone, and what a reorganisation took away is posted again.
 */
export async function settle(
  { chain, ledger }: EpochModules,
  provider: Hex,
  binding: DomainBinding,
): Promise<Settlement> {
  await closeEpochs(ledger, binding);
  const posted = await postMissing(chain, ledger, provider);
  const claim = await claimAll(
    chain,
    ledger,
    ledger.openChannels().map(({ id }) => id),
  );
  return { ...posted, ...claim, gasUsed: posted.gasUsed + claim.gasUsed };
}

/**
 * Receipts under one root at most. Whoever audits or indexes an epoch asks for all of them in one frame, which holds
 * 4 MiB; a receipt takes about 1.2 KiB.
 */
export const MOST_RECEIPTS = 2_000;

/** Gathers the receipts since the last epoch under roots, durably and before anything is announced. */
async function closeEpochs(ledger: Ledger, binding: DomainBinding): Promise<void> {
  const receipts = ledger.unposted();
  for (let start = 0; start < receipts.length; start += MOST_RECEIPTS) {
    await closeEpoch(ledger, binding, receipts.slice(start, start + MOST_RECEIPTS));
  }
}

async function closeEpoch(ledger: Ledger, binding: DomainBinding, receipts: readonly SignedReceipt[]): Promise<void> {
  const leaves = receipts.map(({ receipt }) => receiptDigest(receipt, binding));
  const epoch: Epoch = {
    epoch: (ledger.epochs().at(-1)?.epoch ?? 0) + 1,
    root: toHex(merkleRoot(leaves)),
    count: receipts.length,
    cost: microUsd(receipts.reduce((sum, { receipt }) => sum + receipt.cost, 0n)),
  };
  await ledger.saveEpoch(
    epoch,
    receipts.map(({ receipt }) => receipt.requestId),
  );
}

async function postMissing(chain: EpochModules["chain"], ledger: Ledger, provider: Hex) {
  const onChain = await chain.receipts.lastEpoch(provider);
  let last: { epoch: number; rootTx: Hex } | null = null;
  let gasUsed = 0n;
  let receipts = 0;
  for (const { epoch, root, count, cost } of ledger.epochs().filter((known) => known.epoch > onChain)) {
    const sent = await chain.receipts.postRoot({ epoch, root, count, totalCost: cost });
    last = { epoch, rootTx: sent.hash };
    gasUsed += sent.gasUsed;
    receipts += count;
  }
  return { epoch: last?.epoch ?? null, rootTx: last?.rootTx ?? null, gasUsed, receipts };
}
