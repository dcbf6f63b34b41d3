import { type Journal, textColumn } from "@depinfer/journal";
import type { Channel, ChannelStorage } from "@x402/evm/batch-settlement/server";
import { z } from "zod";
import { EARN } from "./payment-store.ts";

const digits = z.string().regex(/^\d+$/);
const address = z.templateLiteral(["0x", z.string()]);
const channelSchema = z.object({
  channelId: z.string(),
  channelConfig: z.object({
    payer: address,
    payerAuthorizer: address,
    receiver: address,
    receiverAuthorizer: address,
    token: address,
    withdrawDelay: z.int(),
    salt: address,
  }),
  chargedCumulativeAmount: digits,
  signedMaxClaimable: digits,
  signature: z.string(),
  balance: digits,
  totalClaimed: digits,
  withdrawRequestedAt: z.int(),
  refundNonce: z.int(),
  onchainSyncedAt: z.number().optional(),
  lastRequestTimestamp: z.number(),
  pendingRequest: z.object({ pendingId: z.string(), signedMaxClaimable: digits, expiresAt: z.number() }).optional(),
});

/**
 * The channels of `batch-settlement` in the journal: each change is one durable transaction, together with what it
 * earned. A request that was at work when the process died leaves a reservation that ends by itself.
 */
export function createChannelStore(journal: Journal): ChannelStorage {
  const { db } = journal;
  const sql = {
    get: db.prepare("SELECT state FROM x402_channels WHERE id = ?"),
    list: db.prepare("SELECT state FROM x402_channels ORDER BY id"),
    put: db.prepare(
      "INSERT INTO x402_channels (id, state) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
    ),
    remove: db.prepare("DELETE FROM x402_channels WHERE id = ?"),
    earn: db.prepare(EARN),
  };

  function get(id: string): Channel | undefined {
    const row = sql.get.get(id.toLowerCase());
    return row === undefined ? undefined : toChannel(textColumn(row, "state"));
  }

  return {
    get: async (id) => get(id),
    list: async () => sql.list.all().map((row) => toChannel(textColumn(row, "state"))),
    updateChannel: (id, update) =>
      journal.record(() => {
        const before = get(id);
        const channel = update(before);
        if (channel === before) {
          return { channel, status: "unchanged" as const };
        }
        if (channel === undefined) {
          sql.remove.run(id.toLowerCase());
          return { channel, status: "deleted" as const };
        }
        sql.put.run(id.toLowerCase(), JSON.stringify(channel));
        const charged =
          BigInt(channel.chargedCumulativeAmount) -
          BigInt(before?.chargedCumulativeAmount ?? channel.chargedCumulativeAmount);
        if (charged > 0n) {
          sql.earn.run("batch-settlement", charged);
        }
        return { channel, status: "updated" as const };
      }),
  };
}

function toChannel(state: string): Channel {
  const { onchainSyncedAt, pendingRequest, ...rest } = channelSchema.parse(JSON.parse(state));
  return {
    ...rest,
    ...(onchainSyncedAt === undefined ? {} : { onchainSyncedAt }),
    ...(pendingRequest === undefined ? {} : { pendingRequest }),
  };
}
