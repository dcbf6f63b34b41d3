import type { Chain } from "@depinfer/chain";
import { type Host, type Link, query, type Unsubscribe } from "@depinfer/network";
import {
  type ChannelReport,
  channelReportSchema,
  errorCode,
  errorMessage,
  type Hex,
  type Log,
  type MicroUsd,
  microUsd,
  type Offer,
  type SignedReceipt,
} from "@depinfer/protocol";
import type { BuyerLedger } from "./buyer-ledger.ts";
import { NO_TOKENS, type StoredRequest } from "./buyer-rows.ts";
import type { Peers } from "./peers.ts";
import { receiptUsage } from "./receipt-check.ts";
import { unseenCost } from "./unseen-receipt.ts";
import type { VoucherSender } from "./voucher-sender.ts";

export interface ReconcileModules {
  readonly host: Host;
  readonly chain: Chain;
  readonly ledger: BuyerLedger;
  readonly vouchers: VoucherSender;
  readonly peers: Peers;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
  readonly log: Log;
  /** Requests that are being bought now, and are settled by whoever buys them. */
  readonly underWay: ReadonlySet<Hex>;
}

/** See `createReconciler`. */
export interface Reconciler {
  start(): void;
  stop(): void;
  /** Compares notes with the provider at the other end, one run after the other. */
  run(link: Link): void;
}

/** When a provider that had no receipt is asked for the last time, in ms after the first. */
const SECOND_LOOK_MS = 2_000;

/**
 * Makes buyer and provider agree after either of them, or the link between them, was away: for every request whose end
 * the buyer did not see, the provider may still bring its receipt, and is paid up to what was reserved for it.
 */
export function createReconciler({
  host,
  chain,
  ledger,
  vouchers,
  peers,
  recoverAddress,
  log,
  underWay,
}: ReconcileModules): Reconciler {
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  const stopping: Unsubscribe[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const turns = new WeakMap<Link, Promise<void>>();

  async function reconcile(link: Link, final: boolean): Promise<void> {
    let waiting = false;
    for (const channel of ledger.channels().filter(({ id }) => ledger.peerOf(id) === link.peerId)) {
      const open = ledger.open(channel.id).filter(({ id, peerId }) => peerId === link.peerId && !underWay.has(id));
      if (open.length > 0) {
        await acceptUnpaid(open, await reportOn(link, channel.id));
        const left = open.filter(({ id }) => ledger.isOpen(id));
        waiting ||= left.length > 0;
        if (final) {
          await giveUp(left);
        }
      }
      await vouchers.show(link, channel.id);
    }
    if (waiting && !final) {
      // The provider may have been about to sign.
      const timer = setTimeout(() => {
        timers.delete(timer);
        run(link, true);
      }, SECOND_LOOK_MS);
      timers.add(timer);
    }
  }

  /** Receipts that a provider holds for a channel; none when it never heard of the channel. */
  async function reportOn(link: Link, id: Hex): Promise<Pick<ChannelReport, "unpaid">> {
    try {
      return await query(link, { method: "channel", channelId: id }, channelReportSchema);
    } catch (error) {
      if (errorCode(error) === "query.notFound") {
        return { unpaid: [] };
      }
      throw error;
    }
  }

  /** The provider asks nothing for these, so nothing is kept back for them. */
  async function giveUp(requests: readonly StoredRequest[]): Promise<void> {
    for (const { id, cost, usage, signed, providerNonce, tokens, text, fault } of requests) {
      if (ledger.isOpen(id)) {
        const why = fault ?? "its end was not seen, and the provider has no receipt for it";
        const heard = { providerNonce, tokens, text, fault: why, reserved: microUsd(0n) };
        // What was signed for while it streamed stays paid.
        const paid = signed === null ? { cost: microUsd(0n), usage: NO_TOKENS } : { cost, usage };
        await ledger.finish(id, { ...heard, ...paid, signed, state: signed === null ? "failed" : "done" });
      }
    }
  }

  async function acceptUnpaid(open: readonly StoredRequest[], report: Pick<ChannelReport, "unpaid">): Promise<void> {
    for (const signed of report.unpaid) {
      const request = open.find(({ id }) => id === signed.receipt.requestId);
      const cost = request === undefined ? null : await costOf(signed, request);
      // Another link may have brought the same receipt meanwhile.
      if (request !== undefined && cost !== null && ledger.isOpen(request.id)) {
        const whole = cost === signed.receipt.cost;
        await ledger.finish(request.id, {
          state: whole ? "done" : "disputed",
          cost,
          usage: receiptUsage(signed),
          reserved: microUsd(0n),
          providerNonce: request.providerNonce,
          tokens: request.tokens,
          text: request.text,
          signed,
          fault: whole
            ? "the end of the answer was not seen; paid by its receipt"
            : `the end of the answer was not seen; the receipt asks for ${signed.receipt.cost} units`,
        });
        log("info", `paid ${cost} units for a request whose end was not seen`, { requestId: request.id });
      }
    }
  }

  async function costOf(signed: SignedReceipt, request: StoredRequest): Promise<MicroUsd | null> {
    const operator = await chain.registry.byOperator(request.provider);
    if (operator === undefined) {
      return null;
    }
    // A part of it may have been paid already.
    const most = microUsd(request.cost + request.reserved);
    const cost = unseenCost(signed, { ...request, reserved: most }, operator.receiptKey, binding, recoverAddress);
    return cost === null || cost < request.cost ? null : cost;
  }

  function run(link: Link, final = false): void {
    const turn = (turns.get(link) ?? Promise.resolve())
      .then(() => (link.closed ? undefined : reconcile(link, final)))
      .catch((error: unknown) => log("warn", `channels were not compared with ${link.peerId}: ${errorMessage(error)}`));
    turns.set(link, turn);
  }

  /** Providers that hold receipts for us are looked for; they may not come by themselves. */
  function look(offer: Offer): void {
    const waits = ledger
      .channels()
      .some(({ id }) => ledger.open(id).some((request) => request.peerId === offer.peerId));
    if (waits && host.link(offer.peerId) === undefined) {
      peers
        .link(offer)
        .catch((error: unknown) => log("warn", `${offer.provider} cannot be reached: ${errorMessage(error)}`));
    }
  }

  return {
    run: (link) => run(link),
    start() {
      stopping.push(
        host.onLink((link) => run(link)),
        host.offers.onChange(({ kind, offer }) => {
          if (kind !== "expired") {
            look(offer);
          }
        }),
      );
      for (const link of host.links()) {
        run(link);
      }
      host.offers.offers().forEach(look);
    },
    stop() {
      for (const end of stopping.splice(0)) {
        end();
      }
      for (const timer of timers) {
        clearTimeout(timer);
      }
    },
  };
}
