import { setTimeout } from "node:timers/promises";
import type { Chain } from "@depinfer/chain";
import { type Host, query } from "@depinfer/network";
import {
  DepinferError,
  epochReportSchema,
  errorMessage,
  type Hex,
  type Log,
  merkleRoot,
  receiptDigest,
  receiptToJson,
  type SignedReceipt,
  toHex,
} from "@depinfer/protocol";
import type { Database } from "./database.ts";

export interface ReceiptIndexModules {
  readonly chain: Chain;
  readonly host: Host;
  readonly db: Database;
  readonly log: Log;
  /** Told of the receipts of an epoch, by their ids, once they are stored. */
  readonly onStored?: (ids: readonly string[]) => void;
}

const PAUSE_MS = 2_000;

/**
 * Fetches the receipts under every epoch root from their providers, and keeps those that add up to the root. A provider
 * that is away is asked again later.
 */
export async function indexReceipts(modules: ReceiptIndexModules, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const missing = await modules.db.query(
      "SELECT provider, epoch, root, count FROM epochs e WHERE (SELECT count(*) FROM receipts r WHERE r.provider = e.provider AND r.epoch = e.epoch) < e.count ORDER BY block LIMIT 100",
    );
    for (const row of missing) {
      if (!signal.aborted) {
        await fetchEpoch(modules, String(row.provider), Number(row.epoch), String(row.root)).catch((error: unknown) => {
          modules.log(
            "warn",
            `receipts of epoch ${String(row.epoch)} of ${String(row.provider)} are not indexed yet: ${errorMessage(error)}`,
          );
        });
      }
    }
    await setTimeout(PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function fetchEpoch(
  { chain, host, db, onStored }: ReceiptIndexModules,
  provider: string,
  epoch: number,
  root: string,
): Promise<void> {
  const offer = host.offers.offers().find((known) => known.provider === provider);
  if (offer === undefined) {
    return;
  }
  const link = host.link(offer.peerId) ?? (await host.dial({ peerId: offer.peerId, addresses: offer.addresses }));
  const { receipts } = await query(link, { method: "epoch", epoch }, epochReportSchema);
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  const ids = receipts.map(({ receipt }) => receiptDigest(receipt, binding));
  if (toHex(merkleRoot(ids)) !== root) {
    throw new DepinferError({
      code: "index.wrongRoot",
      message: `The receipts that ${provider} shows are not those under its root`,
      remedy: "Ask the provider; its root on chain stands as evidence",
    });
  }
  await db.transaction(async (sql) => {
    for (const [index, signed] of receipts.entries()) {
      const id = ids[index];
      if (id !== undefined) {
        await sql(
          `INSERT INTO receipts (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map((_, at) => `$${at + 1}`).join(", ")}) ON CONFLICT (id) DO NOTHING`,
          rowOf(toHex(id), epoch, index, signed),
        );
      }
    }
  });
  onStored?.(ids.map(toHex));
}

const COLUMNS = [
  "id",
  "request_id",
  "provider",
  "class_id",
  "epoch",
  "position",
  "channel_id",
  "cost",
  "output_tokens",
  "started_at",
  "finished_at",
  "receipt",
] as const;

function rowOf(id: Hex, epoch: number, position: number, signed: SignedReceipt) {
  const { requestId, provider, classId, channelId, cost, outputTokens, startedAt, finishedAt } = signed.receipt;
  return [
    id,
    requestId,
    provider,
    classId,
    epoch,
    position,
    channelId,
    cost.toString(),
    outputTokens,
    startedAt,
    finishedAt,
    JSON.stringify(receiptToJson(signed)),
  ];
}
