import { randomBytes } from "node:crypto";
import type { Chain, Signer } from "@depinfer/chain";
import {
  type ChannelConfig,
  channelId,
  DepinferError,
  type DomainBinding,
  errorCode,
  formatUsd,
  type Hex,
  type Log,
  type MicroUsd,
  toHex,
} from "@depinfer/protocol";
import type { BuyerLedger, ConfirmedEscrow } from "./buyer-ledger.ts";
import type { BuyerChannel } from "./buyer-rows.ts";

/** What the buyer's money needs of a chain. */
export interface MoneyChain {
  readonly deployment: {
    readonly chainId: number;
    readonly addresses: { readonly testUsd: Hex };
  };
  readonly channels: Pick<
    Chain["channels"],
    | "address"
    | "open"
    | "openFromBalance"
    | "topUp"
    | "topUpFromBalance"
    | "state"
    | "initiateWithdraw"
    | "finalizeWithdraw"
    | "freeBalance"
    | "withdraw"
  >;
  readonly usd: Pick<Chain["usd"], "balanceOf" | "allowance" | "approve">;
  readonly passes: Pick<Chain["passes"], "address" | "fund" | "pass" | "tier">;
  readonly blockTime: Chain["blockTime"];
}

export interface ChannelModules {
  readonly chain: MoneyChain;
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

/** Where the money of a channel comes from. Both leave the journal behind with what the chain confirms. */
export interface Funding {
  /** A channel with `provider` that holds `wanted` units, or at least `least` where there is not more to have. */
  open(provider: Hex, wanted: bigint, least: bigint): Promise<BuyerChannel>;
  /** The channel with as much more; in another state when the chain says that it is open no more. */
  topUp(channel: BuyerChannel, wanted: bigint, least: bigint): Promise<BuyerChannel>;
}

const MAX_ALLOWANCE = 2n ** 256n - 1n;

/** The id and the contract's domain that a buyer's channels are bound to. */
export function channelsBinding(chain: Pick<MoneyChain, "deployment" | "channels">): DomainBinding {
  return { chainId: chain.deployment.chainId, verifyingContract: chain.channels.address };
}

/** Reads one channel from the chain and notes what it confirms. */
export async function confirm({ chain, ledger }: Pick<ChannelModules, "chain" | "ledger">, id: Hex) {
  const { deposit, settled, withdrawAt, status } = await chain.channels.state(id);
  const open = withdrawAt === undefined ? ("open" as const) : ("withdrawing" as const);
  const state = status === "none" ? ("opening" as const) : status === "closed" ? ("closed" as const) : open;
  const escrow: ConfirmedEscrow = { state, deposit, settled, withdrawAt: withdrawAt ?? null };
  await ledger.saveEscrow(id, escrow);
  return known(ledger, id);
}

export function known(ledger: BuyerLedger, id: Hex): BuyerChannel {
  const channel = ledger.channel(id);
  if (channel === undefined) {
    throw new DepinferError({
      code: "channel.unknown",
      message: `The journal knows no channel ${id}`,
      remedy: "`depinfer money where` lists the channels of this wallet",
      metadata: { channelId: id },
    });
  }
  return channel;
}

/** Money of the wallet, or of its free balance in the contract where that is enough. */
export function walletFunding(modules: ChannelModules, options: ChannelOptions): Funding {
  const { chain, ledger, sessionSigner, log } = modules;
  const binding = channelsBinding(chain);

  function configFor(provider: Hex): ChannelConfig {
    return {
      payer: options.payer,
      payerAuthorizer: sessionSigner.address,
      receiver: provider,
      receiverAuthorizer: provider,
      token: chain.deployment.addresses.testUsd,
      withdrawDelay: options.withdrawDelay,
      salt: toHex(randomBytes(32)),
    };
  }

  /**
   * A channel that was begun and is not on chain: its transaction was lost, or a reorganisation took it away. It is opened
   * again under the same id, which the contract gives away once, so that no second escrow can come of it.
   */
  function begun(provider: Hex): BuyerChannel | undefined {
    return ledger
      .channels()
      .findLast(
        ({ state, leaving, pass, provider: of, config }) =>
          state === "opening" &&
          !leaving &&
          pass === null &&
          of === provider &&
          config.payer === options.payer &&
          config.payerAuthorizer === sessionSigner.address,
      );
  }

  return {
    async open(provider, wanted) {
      const before = begun(provider);
      const config = before?.config ?? configFor(provider);
      const id = channelId(config, binding);
      // Vouchers of a channel that vanished still stand, so the escrow has to cover them too.
      const amount = most(wanted + (before?.owed ?? 0n), options.channelDeposit);
      if (before === undefined) {
        // Known before it is announced.
        await ledger.saveChannel(id, config, null);
      } else if ((await confirm(modules, id)).state !== "opening") {
        return known(ledger, id);
      }
      const fromBalance = await requireFunds(chain, options.payer, amount);
      try {
        await (fromBalance ? chain.channels.openFromBalance(config, amount) : chain.channels.open(config, amount));
      } catch (error) {
        // Refused because it exists: the transaction that was given up for lost was mined after all.
        const now = await confirm(modules, id);
        if (now.state === "open") {
          return now;
        }
        throw error;
      }
      log("info", `channel opened with ${formatUsd(amount)} for ${provider}`, { channelId: id });
      return confirm(modules, id);
    },
    async topUp(channel, wanted) {
      const amount = most(wanted, options.channelDeposit);
      const fromBalance = await requireFunds(chain, options.payer, amount);
      try {
        await (fromBalance
          ? chain.channels.topUpFromBalance(channel.config, amount)
          : chain.channels.topUp(channel.config, amount));
      } catch (error) {
        const now = await confirm(modules, channel.id);
        if (errorCode(error) === "chain.reverted" && now.state !== "open") {
          return now;
        }
        throw error;
      }
      log("info", `channel topped up with ${formatUsd(amount)} for ${channel.provider}`, { channelId: channel.id });
      return confirm(modules, channel.id);
    },
  };
}

export function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** Whether the free balance pays; the wallet otherwise. @throws DepinferError `wallet.insufficient`. */
async function requireFunds(chain: MoneyChain, payer: Hex, amount: bigint): Promise<boolean> {
  const [free, balance] = [await chain.channels.freeBalance(payer), await chain.usd.balanceOf(payer)];
  if (free >= amount) {
    return true;
  }
  if (balance < amount) {
    throw new DepinferError({
      code: "wallet.insufficient",
      message: `The wallet ${payer} holds ${formatUsd(balance)} and ${formatUsd(amount)} are needed for a channel`,
      remedy: "Add funds to the wallet, or wait until a channel's rest is withdrawn",
      metadata: { balance: balance.toString(), free: free.toString(), needed: amount.toString() },
    });
  }
  if ((await chain.usd.allowance(payer, chain.channels.address)) < amount) {
    // Once and without limit, as wallets do: the contract takes only what its caller names.
    await chain.usd.approve(chain.channels.address, MAX_ALLOWANCE);
  }
  return false;
}
