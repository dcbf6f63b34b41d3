import type { Chain } from "@depinfer/chain";
import { type Host, type Link, query, type Unsubscribe } from "@depinfer/network";
import {
  type ChannelReport,
  channelReportSchema,
  errorMessage,
  type Hex,
  type Log,
  microUsd,
  receiptDigest,
  requestHash,
  type SignedReceipt,
} from "@depinfer/protocol";
import type { BuyerChannel, BuyerLedger, StoredRequest } from "./buyer-ledger.ts";
import type { BuyerChannels } from "./channels.ts";
import type { Peers } from "./peers.ts";

export interface ReconcileModules {
  readonly host: Host;
  readonly chain: Chain;
  readonly ledger: BuyerLedger;
  readonly channels: BuyerChannels;
  readonly peers: Peers;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
  readonly log: Log;
}

/**
 * Makes buyer and provider agree after either of them, or the link between them, was away: for every request whose end
 * the buyer did not see, the provider may still bring its receipt, and is paid up to what was reserved for it.
 */
export function createReconciler({ host, chain, ledger, channels, peers, recoverAddress, log }: ReconcileModules): {
  start(): void;
  stop(): void;
} {
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  let unsubscribe: Unsubscribe = () => undefined;

  async function reconcile(link: Link): Promise<void> {
    for (const channel of ledger.channels()) {
      const open = ledger.open(channel.id);
      if (open.length > 0 && open.some(({ peerId }) => peerId === link.peerId)) {
        const report = await query(link, { method: "channel", channelId: channel.id }, channelReportSchema);
        await acceptUnpaid(link, channel, open, report);
      }
    }
  }

  async function acceptUnpaid(
    link: Link,
    channel: BuyerChannel,
    open: readonly StoredRequest[],
    report: ChannelReport,
  ): Promise<void> {
    let latest = channel;
    for (const signed of report.unpaid) {
      const request = open.find(({ id }) => id === signed.receipt.requestId);
      if (request !== undefined && (await payable(signed, request))) {
        latest = await ledger.finish(
          request.id,
          {
            state: "done",
            cost: signed.receipt.cost,
            reserved: microUsd(0n),
            providerNonce: request.providerNonce,
            tokens: request.tokens,
            text: request.text,
            signed,
            fault: "the end of the answer was not seen; paid by its receipt",
          },
          channels.signVoucher,
        );
        log("info", `paid ${signed.receipt.cost} units for a request whose end was not seen`, {
          requestId: request.id,
        });
      }
    }
    peers.showVoucher(link, latest, () => channels.signVoucher(latest.config, latest.owed));
  }

  async function payable({ receipt, signature }: SignedReceipt, request: StoredRequest): Promise<boolean> {
    const operator = await chain.registry.byOperator(request.provider);
    return (
      receipt.requestHash === requestHash(request.request) &&
      receipt.channelId === request.channelId &&
      receipt.cost <= request.reserved &&
      operator !== undefined &&
      recoverAddress(receiptDigest(receipt, binding), signature) === operator.receiptKey
    );
  }

  return {
    start() {
      const run = (link: Link) => {
        reconcile(link).catch((error: unknown) =>
          log("warn", `channels were not compared with ${link.peerId}: ${errorMessage(error)}`),
        );
      };
      unsubscribe = host.onLink(run);
      host.links().forEach(run);
      // Providers that hold receipts for us are looked for; they may not come by themselves.
      for (const channel of ledger.channels()) {
        const waiting = ledger.open(channel.id)[0];
        const offer =
          waiting === undefined ? undefined : host.offers.offers().find(({ peerId }) => peerId === waiting.peerId);
        if (offer !== undefined) {
          peers
            .link(offer)
            .catch((error: unknown) => log("warn", `${offer.provider} cannot be reached: ${errorMessage(error)}`));
        }
      }
    },
    stop: () => unsubscribe(),
  };
}
