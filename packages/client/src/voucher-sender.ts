import type { Link } from "@depinfer/network";
import {
  type ChannelConfig,
  encodeMessage,
  errorMessage,
  FrameType,
  type Hex,
  type Log,
  type MicroUsd,
  microUsd,
} from "@depinfer/protocol";
import type { BuyerLedger } from "./buyer-ledger.ts";
import type { BuyerChannel } from "./buyer-rows.ts";

/** Signs a voucher over a cumulative amount that is on disk already. */
export type SignVoucher = (config: ChannelConfig, amount: MicroUsd) => Hex;

/** What vouchers need of a link. */
export type VoucherLink = Pick<Link, "closed" | "sendControl">;

export interface VoucherSenderModules {
  readonly ledger: Pick<BuyerLedger, "channel" | "settled">;
  readonly sign: SignVoucher;
  readonly log: Log;
}

export interface VoucherSenderOptions {
  /** Units that may be owed on a channel without a voucher. Providers allow 10,000 unless they say otherwise. */
  readonly voucherEveryUnits?: MicroUsd;
  /** Longest that anything is owed without a voucher, in ms. */
  readonly voucherEveryMs?: number;
}

/**
 * Pays many answers with one signature. What is owed is on disk with each answer; a voucher over the sum is signed and
 * sent when enough has come together, when the first of it has waited long enough, and before a request that a provider
 * would refuse without it. Signatures are made off the request's path, those that are due together in one turn.
 */
export interface VoucherSender {
  /** Shows the channel's voucher where the provider needs it to serve. `channel` was read before the last write to disk. */
  beforeRequest(link: VoucherLink, channel: BuyerChannel): void;
  /** Something more is owed on the channel. */
  afterAnswer(link: VoucherLink, channelId: Hex): void;
  /** Shows the newest voucher on a link that has not seen it, as after a reconnection. */
  show(link: VoucherLink, channelId: Hex): Promise<void>;
  /** The provider refused a voucher or lost it: the next request shows it again, and each answer is vouchered by itself. */
  refused(link: VoucherLink, channelId: Hex): void;
  /** Sends everything that waits. */
  flush(): Promise<void>;
}

const EVERY_UNITS = microUsd(4_000n);
const EVERY_MS = 200;

export function createVoucherSender(
  { ledger, sign, log }: VoucherSenderModules,
  { voucherEveryUnits = EVERY_UNITS, voucherEveryMs = EVERY_MS }: VoucherSenderOptions = {},
): VoucherSender {
  const shown = new WeakMap<VoucherLink, Map<Hex, bigint>>();
  const strict = new WeakSet<VoucherLink>();
  const waiting = new Map<VoucherLink, Set<Hex>>();
  let timer: NodeJS.Timeout | undefined;
  let queued = false;

  function shownOn(link: VoucherLink): Map<Hex, bigint> {
    const amounts = shown.get(link) ?? new Map<Hex, bigint>();
    shown.set(link, amounts);
    return amounts;
  }

  function send(link: VoucherLink, { id, config, owed }: BuyerChannel): void {
    if (link.closed || (shownOn(link).get(id) ?? -1n) >= owed) {
      return;
    }
    const signature = sign(config, owed);
    link.sendControl(FrameType.VOUCHER, encodeMessage({ config, maxClaimableAmount: owed, signature }));
    shownOn(link).set(id, owed);
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    queued = false;
    const due = [...waiting].flatMap(([link, ids]) => [...ids].map((id) => ({ link, channel: ledger.channel(id) })));
    waiting.clear();
    await ledger.settled();
    for (const { link, channel } of due) {
      if (channel !== undefined) {
        send(link, channel);
      }
    }
  }

  function flushSoon(): void {
    flush().catch((error: unknown) => log("warn", `vouchers were not sent: ${errorMessage(error)}`));
  }

  return {
    beforeRequest(link, channel) {
      const last = shownOn(link).get(channel.id);
      if (last === undefined || channel.owed - last > (strict.has(link) ? 0n : voucherEveryUnits)) {
        send(link, channel);
      }
    },
    afterAnswer(link, channelId) {
      const channel = ledger.channel(channelId);
      if (channel === undefined || link.closed) {
        return; // The next link shows it.
      }
      const ids = waiting.get(link) ?? new Set<Hex>();
      waiting.set(link, ids.add(channelId));
      const unpaid = channel.owed - (shownOn(link).get(channelId) ?? 0n);
      if (unpaid >= voucherEveryUnits || strict.has(link)) {
        if (!queued) {
          queued = true;
          setImmediate(flushSoon);
        }
      } else {
        // Nothing is lost if the process ends first: stopping sends what waits, and so does the next connection.
        timer ??= setTimeout(flushSoon, voucherEveryMs).unref();
      }
    },
    async show(link, channelId) {
      const channel = ledger.channel(channelId);
      await ledger.settled();
      if (channel !== undefined && channel.owed > 0n) {
        send(link, channel);
      }
    },
    refused(link, channelId) {
      shownOn(link).delete(channelId);
      strict.add(link);
    },
    flush,
  };
}
