import { randomBytes } from "node:crypto";
import type { Chain, Signer } from "@depinfer/chain";
import {
  type ChannelConfig,
  channelId,
  DepinferError,
  type DomainBinding,
  formatUsd,
  type Hex,
  type Log,
  type MicroUsd,
  toHex,
  voucherDigest,
} from "@depinfer/protocol";
import type { BuyerLedger, SignVoucher } from "./buyer-ledger.ts";
import type { BuyerChannel } from "./buyer-rows.ts";

export interface ChannelModules {
  readonly chain: Chain;
  readonly ledger: BuyerLedger;
  /** Signs vouchers; a key of its own, so that the wallet's key is not needed on the request path. */
  readonly sessionSigner: Signer;
  readonly log: Log;
}

export interface ChannelOptions {
  /** Wallet that deposits. */
  readonly payer: Hex;
  /** Units put into a new channel, and added when one runs low. */
  readonly channelDeposit: MicroUsd;
  readonly withdrawDelay: number;
}

/** The buyer's channels: one per provider, opened at first need, topped up when a request would not fit. */
export interface BuyerChannels {
  /** An open channel whose deposit covers `maxCost` more; `release` gives the reservation back. */
  reserve(provider: Hex, maxCost: MicroUsd): Promise<{ readonly channel: BuyerChannel; readonly release: () => void }>;
  readonly signVoucher: SignVoucher;
  /** Reads every channel from the chain again, for the start and after the chain was away. */
  refresh(): Promise<void>;
  /** Reads one channel again, because a provider refused to serve against it. */
  recheck(id: Hex): Promise<void>;
}

const MAX_ALLOWANCE = 2n ** 256n - 1n;
/**
 * A channel is topped up while a tenth of a usual deposit is still free. Providers keep a margin of each deposit unused
 * and do not say how much; a buyer that filled a channel to the last unit would be refused for ever.
 */
const HEADROOM_SHARE = 10n;

export function createBuyerChannels(
  { chain, ledger, sessionSigner, log }: ChannelModules,
  options: ChannelOptions,
): BuyerChannels {
  const binding: DomainBinding = { chainId: chain.deployment.chainId, verifyingContract: chain.channels.address };
  const reserved = new Map<Hex, bigint>();
  const turns = new Map<Hex, Promise<unknown>>();

  async function fund(provider: Hex, maxCost: MicroUsd): Promise<BuyerChannel> {
    const existing = ledger.channelsOf(provider, null)[0];
    if (existing === undefined) {
      return open(provider, maxCost + options.channelDeposit / HEADROOM_SHARE);
    }
    const free = existing.deposit - existing.owed - (reserved.get(existing.id) ?? 0n);
    const wanted = maxCost + options.channelDeposit / HEADROOM_SHARE;
    return free >= wanted ? existing : topUp(existing, wanted - free);
  }

  async function open(provider: Hex, wanted: bigint): Promise<BuyerChannel> {
    const config: ChannelConfig = {
      payer: options.payer,
      payerAuthorizer: sessionSigner.address,
      receiver: provider,
      receiverAuthorizer: provider,
      token: chain.deployment.addresses.testUsd,
      withdrawDelay: options.withdrawDelay,
      salt: toHex(randomBytes(32)),
    };
    const amount = atLeast(wanted);
    await requireFunds(amount);
    const id = channelId(config, binding);
    // Known before it is announced: a crash in between leaves a channel that the chain does not know, which is harmless.
    await ledger.saveChannel(id, config, null);
    try {
      await chain.channels.open(config, amount);
    } catch (error) {
      await refreshOne(id);
      throw error;
    }
    await ledger.saveEscrow(id, { state: "open", deposit: amount, settled: 0n, withdrawAt: null });
    log("info", `channel opened with ${formatUsd(amount)} for ${provider}`, { channelId: id });
    return known(id);
  }

  async function topUp(channel: BuyerChannel, missing: bigint): Promise<BuyerChannel> {
    const amount = atLeast(missing);
    await requireFunds(amount);
    await chain.channels.topUp(channel.config, amount);
    await refreshOne(channel.id);
    log("info", `channel topped up with ${formatUsd(amount)} for ${channel.provider}`, { channelId: channel.id });
    return known(channel.id);
  }

  function atLeast(amount: bigint): bigint {
    return amount > options.channelDeposit ? amount : options.channelDeposit;
  }

  async function requireFunds(amount: bigint): Promise<void> {
    const balance = await chain.usd.balanceOf(options.payer);
    if (balance < amount) {
      throw new DepinferError({
        code: "wallet.insufficient",
        message: `The wallet ${options.payer} holds ${formatUsd(balance)} and ${formatUsd(amount)} are needed for a channel`,
        remedy: "Add funds to the wallet, or wait until a channel's rest is withdrawn",
        metadata: { balance: balance.toString(), needed: amount.toString() },
      });
    }
    if ((await chain.usd.allowance(options.payer, chain.channels.address)) < amount) {
      // Once and without limit, as wallets do: the contract takes only what its caller names.
      await chain.usd.approve(chain.channels.address, MAX_ALLOWANCE);
    }
  }

  async function refreshOne(id: Hex): Promise<void> {
    const { deposit, settled, withdrawAt, status } = await chain.channels.state(id);
    const open = withdrawAt === undefined ? "open" : "withdrawing";
    const state = status === "none" ? "opening" : status === "closed" ? "closed" : open;
    await ledger.saveEscrow(id, { state, deposit, settled, withdrawAt: withdrawAt ?? null });
  }

  function known(id: Hex): BuyerChannel {
    const channel = ledger.channel(id);
    if (channel === undefined) {
      throw new Error(`channel ${id} vanished from the journal`);
    }
    return channel;
  }

  return {
    async reserve(provider, maxCost) {
      // One after the other per provider: two first requests must not open two channels.
      const turn = (turns.get(provider) ?? Promise.resolve())
        .catch(() => undefined)
        .then(async () => {
          const channel = await fund(provider, maxCost);
          reserved.set(channel.id, (reserved.get(channel.id) ?? 0n) + maxCost);
          return channel;
        });
      turns.set(provider, turn);
      const channel = await turn;
      let held = true;
      return {
        channel,
        release() {
          if (held) {
            held = false;
            reserved.set(channel.id, (reserved.get(channel.id) ?? 0n) - maxCost);
          }
        },
      };
    },
    signVoucher: (config, amount) => sessionSigner.sign(voucherDigest(channelId(config, binding), amount, binding)),
    async refresh() {
      for (const { id } of ledger.channels()) {
        await refreshOne(id);
      }
    },
    recheck: refreshOne,
  };
}
