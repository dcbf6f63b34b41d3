import { channelId, DepinferError, formatUsd, type Hex, type MicroUsd, voucherDigest } from "@depinfer/protocol";
import type { AskPass } from "./ask.ts";
import type { BuyerChannel } from "./buyer-rows.ts";
import { createExits, type Exits } from "./exits.ts";
import { type ChannelModules, type ChannelOptions, channelsBinding, confirm, most, walletFunding } from "./funding.ts";
import { passFunding } from "./pass-funding.ts";
import type { SignVoucher } from "./voucher-sender.ts";

export type { ChannelModules, ChannelOptions } from "./funding.ts";

/** The buyer's channels: one per provider, opened at first need, topped up when a request would not fit. */
export interface BuyerChannels {
  /**
   * An open channel whose deposit covers `maxCost` more; `release` gives the reservation back. Money comes from the pass,
   * or from the wallet when it is null.
   *
   * @throws DepinferError `wallet.insufficient`, `pass.*` or `chain.*`.
   */
  reserve(
    provider: Hex,
    maxCost: MicroUsd,
    pass: AskPass | null,
  ): Promise<{ readonly channel: BuyerChannel; readonly release: () => void }>;
  readonly signVoucher: SignVoucher;
  /** Reads every channel from the chain again, for the start and after the chain was away. */
  refresh(): Promise<void>;
  /** Reads one channel again, because a provider refused to serve against it. */
  recheck(id: Hex): Promise<void>;
  readonly exits: Exits;
}

/**
 * A channel is topped up while a tenth of a usual deposit is still free. Providers keep a margin of each deposit unused
 * and do not say how much; a buyer that filled a channel to the last unit would be refused for ever.
 */
const HEADROOM_SHARE = 10n;
/**
 * Times that a channel is looked for before a request fails: the one in the journal may turn out to be closed, and the
 * next one to have vanished in a reorganisation.
 */
const MOST_FUNDINGS = 3;
/** Channels that were closed last and are read again at a start. */
const CLOSED_READ_AGAIN = 100;

export function createBuyerChannels(modules: ChannelModules, options: ChannelOptions): BuyerChannels {
  const { chain, ledger, sessionSigner } = modules;
  const binding = channelsBinding(chain);
  const reserved = new Map<Hex, bigint>();
  const turns = new Map<string, Promise<unknown>>();
  const wallet = walletFunding(modules, options);

  /** Units that nothing lays claim to: no receipt, no request under way, none whose end was not seen. */
  function freeIn({ id, deposit, owed }: BuyerChannel): bigint {
    return deposit - owed - ledger.reservedOn(id) - (reserved.get(id) ?? 0n);
  }

  async function fund(provider: Hex, maxCost: MicroUsd, pass: AskPass | null): Promise<BuyerChannel> {
    const funding = pass === null ? wallet : passFunding(modules, pass);
    const wanted = maxCost + options.channelDeposit / HEADROOM_SHARE;
    for (let tries = 0; tries < MOST_FUNDINGS; tries++) {
      const existing = ledger.channelsOf(provider, pass?.id ?? null)[0];
      const free = existing === undefined ? 0n : freeIn(existing);
      if (existing !== undefined && free >= wanted) {
        return existing;
      }
      const funded =
        existing === undefined
          ? await funding.open(provider, wanted, maxCost)
          : await funding.topUp(existing, wanted - free, most(maxCost - free, 0n));
      if (funded.state === "open" && freeIn(funded) >= maxCost) {
        return funded;
      }
    }
    throw new DepinferError({
      code: "channel.notFunded",
      message: `No channel with ${provider} could be given ${formatUsd(maxCost)} in ${MOST_FUNDINGS} tries`,
      remedy: "Look at `depinfer money where`, then ask again; the chain may be reorganising",
      metadata: { provider, needed: maxCost.toString() },
      retryable: true,
    });
  }

  return {
    async reserve(provider, maxCost, pass) {
      // One after the other per provider: two first requests must not open two channels.
      const line = `${provider} ${pass?.id ?? "wallet"}`;
      const turn = (turns.get(line) ?? Promise.resolve())
        .catch(() => undefined)
        .then(async () => {
          const channel = await fund(provider, maxCost, pass);
          reserved.set(channel.id, (reserved.get(channel.id) ?? 0n) + maxCost);
          return channel;
        });
      turns.set(line, turn);
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
      // A reorganisation may have opened again what was closed.
      for (const { id } of [...ledger.channels(), ...ledger.closedChannels(CLOSED_READ_AGAIN)]) {
        await confirm(modules, id);
      }
    },
    async recheck(id) {
      await confirm(modules, id);
    },
    exits: createExits(modules, options),
  };
}
