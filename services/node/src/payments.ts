import type { Chain } from "@depinfer/chain";
import {
  type ChannelConfig,
  channelId,
  type DepinferError,
  type DomainBinding,
  errorMessage,
  type Hex,
  type MicroUsd,
  microUsd,
  type SignedVoucher,
  voucherDigest,
} from "@depinfer/protocol";
import type { Ledger, LedgerChannel } from "./ledger.ts";
import { paymentError } from "./payment-errors.ts";

export interface PaymentModules {
  readonly chain: { readonly channels: Pick<Chain["channels"], "state"> };
  readonly ledger: Ledger;
  /** Told of a channel whose payer is leaving and which has something to claim, each time that it is seen. */
  readonly onClosing?: (id: Hex) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
}

export interface PaymentOptions {
  /** Account that is paid. */
  readonly provider: Hex;
  readonly token: Hex;
  /** Chain id and Channels contract. */
  readonly binding: DomainBinding;
  /** Units that a buyer may have received and not yet vouchered. */
  readonly creditWindow: MicroUsd;
  /** Units of a deposit that are never served against, in case two parties count differently. */
  readonly margin: MicroUsd;
}

/** Escrow of a channel as the chain last showed it. */
interface Escrow {
  readonly deposit: bigint;
  readonly settled: bigint;
  /** Unix second from which the payer may take the rest, or undefined. */
  readonly withdrawAt: number | undefined;
  readonly open: boolean;
  /** When it was read, by `now`. */
  readonly readAt: number;
}

/**
 * What the chain showed is served on for this long when it cannot be read: a chain that is away for a moment must not stop
 * anybody. Longer for channels with a longer notice, of which it is a quarter, so that an exit that began just after the
 * last look is still seen in time.
 */
const LEAST_AGE_MS = 60_000;
const NOTICE_SHARE = 4;

/** A payer that cancels now and then is forgiven up to this part of what it pays: an honest one needs far less. */
const FORGIVEN_SHARE = 16n;

/**
 * The provider's side of payment. It serves while the confirmed deposit covers what is owed and being worked on, and
 * while the buyer's unpaid part stays inside the credit window; it stops when a withdrawal has begun.
 */
export interface Payments {
  /** Takes a voucher; resolves when it is durable. @throws DepinferError `payment.*` without any effect. */
  acceptVoucher(voucher: SignedVoucher): Promise<void>;
  /**
   * Reserves the most a request can cost; call the result when it is over. Before it refuses it looks at the chain, since
   * a top-up may be newer than the last event that was read.
   *
   * @throws DepinferError `payment.*`, or `chain.unreachable`.
   */
  reserve(id: Hex, maxCost: MicroUsd): Promise<() => void>;
  /** Reads a channel from the chain again, after an event or before a decision. */
  refresh(id: Hex): Promise<void>;
  /**
   * Units that the channel's payer may still say it did not receive when it cancels. It shares the credit window with what
   * the payer has not vouchered, and grows by a part of what it paid, over all of its channels.
   */
  trust(id: Hex): bigint;
  /** Every event up to now was read: what is known of the channels is as of now. */
  confirmed(): void;
  /**
   * Channels that were read before a decision since the last call. Such a read can be ahead of the events: if its block is
   * undone before they are read, no event tells, so the channel has to be read once more with the next ones.
   */
  takeReadAhead(): readonly Hex[];
  deposit(id: Hex): MicroUsd;
}

export function createPayments(
  { chain, ledger, recoverAddress, onClosing, now = Date.now }: PaymentModules,
  options: PaymentOptions,
): Payments {
  const escrows = new Map<Hex, Escrow>();
  const idOf = rememberedIds(options.binding);
  const reserved = new Map<Hex, bigint>();
  let readAhead = new Set<Hex>();
  let confirmedAt = 0;

  async function refresh(id: Hex): Promise<Escrow> {
    const readAt = now();
    const { deposit, settled, withdrawAt, status } = await chain.channels.state(id);
    const escrow = { deposit, settled, withdrawAt, open: status === "open", readAt };
    // Channels that were never open are not remembered: anyone can name as many as they like.
    if (status !== "none" || ledger.channel(id) !== undefined) {
      escrows.set(id, escrow);
    }
    const known = ledger.channel(id);
    if (known !== undefined && (known.settled !== settled || known.closed !== (status === "closed"))) {
      await ledger.saveSettled(id, settled, status === "closed");
    }
    claimIfClosing(id, escrow);
    return escrow;
  }

  function claimIfClosing(id: Hex, { open, withdrawAt, settled }: Escrow): void {
    if (open && withdrawAt !== undefined && (ledger.channel(id)?.vouchered ?? 0n) > settled) {
      onClosing?.(id);
    }
  }

  /** Its payer may have taken the rest by now. */
  function isOver({ withdrawAt }: Escrow): boolean {
    return withdrawAt !== undefined && withdrawAt * 1_000 <= now();
  }

  function isStale(channel: LedgerChannel): boolean {
    const age = now() - Math.max(confirmedAt, escrows.get(channel.id)?.readAt ?? 0);
    return age > Math.max(LEAST_AGE_MS, (channel.config.withdrawDelay * 1_000) / NOTICE_SHARE);
  }

  function checkParties({ config, maxClaimableAmount, signature }: SignedVoucher, id: Hex): DepinferError | null {
    if (config.receiver !== options.provider) {
      return paymentError(
        "payment.wrongChannel",
        `The voucher pays ${config.receiver}, this provider is ${options.provider}`,
        { channelId: id },
      );
    }
    if (config.token !== options.token) {
      return paymentError(
        "payment.wrongToken",
        `The voucher is in token ${config.token}, this provider takes ${options.token}`,
        { channelId: id },
      );
    }
    const signer = signerOf(voucherDigest(id, maxClaimableAmount, options.binding), signature);
    return signer === config.payerAuthorizer
      ? null
      : paymentError(
          "payment.badSignature",
          `The voucher of ${maxClaimableAmount} units was signed by ${signer}, not by ${config.payerAuthorizer}`,
          { channelId: id },
        );
  }

  /** The account that signed, or words for why there is none. */
  function signerOf(digest: Uint8Array, signature: Hex): string {
    try {
      return recoverAddress(digest, signature);
    } catch (error) {
      return `nobody (${errorMessage(error)})`;
    }
  }

  function refreshForDecision(id: Hex): Promise<Escrow> {
    readAhead.add(id);
    return refresh(id);
  }

  /** Why the channel cannot carry `maxCost` more now, or null. */
  function refusal(id: Hex, maxCost: MicroUsd): DepinferError | null {
    const channel = ledger.channel(id);
    if (channel === undefined) {
      return paymentError("payment.channelUnknown", `Channel ${id} was not introduced by a VOUCHER frame`, {
        channelId: id,
      });
    }
    const escrow = escrows.get(id) ?? UNREAD;
    return refusalFor(channel, escrow, (reserved.get(id) ?? 0n) + maxCost, options);
  }

  return {
    async acceptVoucher(voucher) {
      const id = idOf(voucher.config);
      const amount = voucher.maxClaimableAmount;
      const known = ledger.channel(id);
      const fault = checkParties(voucher, id);
      if (fault !== null) {
        throw fault;
      }
      if (known !== undefined && amount < known.vouchered) {
        throw paymentError(
          "payment.voucherBackwards",
          `The voucher of ${amount} units is below the ${known.vouchered} units vouchered before`,
          { channelId: id },
        );
      }
      const cached = escrows.get(id);
      const escrow =
        cached === undefined || amount > cached.deposit || isOver(cached) ? await refreshForDecision(id) : cached;
      if (!escrow.open) {
        throw paymentError("payment.channelNotOpen", `Channel ${id} is not open on chain`, { channelId: id });
      }
      if (amount > escrow.deposit) {
        throw paymentError(
          "payment.aboveDeposit",
          `The voucher of ${amount} units is above the confirmed deposit of ${escrow.deposit}`,
          { channelId: id },
        );
      }
      if (known === undefined) {
        await ledger.openChannel(id, voucher.config);
      }
      if (amount > (known?.vouchered ?? 0n)) {
        await ledger.saveVoucher(id, voucher);
        claimIfClosing(id, escrow);
      }
    },
    async reserve(id, maxCost) {
      const channel = ledger.channel(id);
      if (channel !== undefined && (refusal(id, maxCost) !== null || isStale(channel))) {
        await refreshForDecision(id);
      }
      const final = refusal(id, maxCost);
      if (final !== null) {
        throw final;
      }
      reserved.set(id, (reserved.get(id) ?? 0n) + maxCost);
      return () => {
        const rest = (reserved.get(id) ?? 0n) - maxCost;
        if (rest > 0n) {
          reserved.set(id, rest);
        } else {
          reserved.delete(id);
        }
      };
    },
    async refresh(id) {
      await refresh(id);
    },
    trust(id) {
      const channel = ledger.channel(id);
      if (channel === undefined) {
        return 0n;
      }
      const { vouchered, forgiven } = ledger.payer(channel.config.payer);
      const left = options.creditWindow - (channel.owed - channel.vouchered) + vouchered / FORGIVEN_SHARE - forgiven;
      return left > 0n ? left : 0n;
    },
    confirmed() {
      confirmedAt = now();
    },
    takeReadAhead() {
      const taken = [...readAhead];
      readAhead = new Set();
      return taken;
    },
    deposit: (id) => microUsd(escrows.get(id)?.deposit ?? 0n),
  };
}

/** Ids that are remembered; a channel's config comes with each of its vouchers, and hashing it takes as long as signing. */
const MOST_IDS = 10_000;

function rememberedIds(binding: DomainBinding): (config: ChannelConfig) => Hex {
  const ids = new Map<string, Hex>();
  return (config) => {
    const { payer, payerAuthorizer, receiver, receiverAuthorizer, token, withdrawDelay, salt } = config;
    const key = `${payer}${payerAuthorizer}${receiver}${receiverAuthorizer}${token}${salt}${withdrawDelay}`;
    const known = ids.get(key);
    if (known !== undefined) {
      return known;
    }
    if (ids.size >= MOST_IDS) {
      ids.clear();
    }
    const id = channelId(config, binding);
    ids.set(key, id);
    return id;
  };
}

/** Escrow of a channel that was not read since the start. */
const UNREAD: Escrow = { deposit: 0n, settled: 0n, withdrawAt: undefined, open: false, readAt: 0 };

function refusalFor(
  channel: LedgerChannel,
  escrow: Escrow,
  wanted: bigint,
  { creditWindow, margin }: PaymentOptions,
): DepinferError | null {
  const { id, owed, vouchered } = channel;
  if (!escrow.open || escrow.withdrawAt !== undefined) {
    return paymentError("payment.channelClosing", `Channel ${id} is being withdrawn or closed`, { channelId: id });
  }
  if (owed - vouchered > creditWindow) {
    return paymentError(
      "payment.voucherDue",
      `${owed - vouchered} units were delivered without a voucher; ${creditWindow} are allowed`,
      { channelId: id, owed: owed.toString(), vouchered: vouchered.toString() },
    );
  }
  const free = escrow.deposit - owed - margin;
  return wanted > free
    ? paymentError(
        "payment.depositExhausted",
        `The request may cost ${wanted} units and the deposit covers ${free < 0n ? 0n : free}`,
        { channelId: id, deposit: escrow.deposit.toString() },
      )
    : null;
}
