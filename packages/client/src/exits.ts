import { DepinferError, errorCode, formatUsd, type Hex } from "@depinfer/protocol";
import type { BuyerChannel } from "./buyer-rows.ts";
import { type ChannelModules, type ChannelOptions, confirm, known } from "./funding.ts";

/** What became of the channels whose rest is wanted back. */
export interface ExitReport {
  /** Channels that were closed by this call or before it, whose rest is in the wallet now. */
  readonly closed: readonly Hex[];
  /** Channels that still wait for their notice to end, with the Unix second of its end. */
  readonly waiting: readonly { readonly channelId: Hex; readonly withdrawAt: number }[];
  /** Units that went to the wallet. */
  readonly returned: bigint;
}

/** The way of a channel's rest back to the wallet, without anybody's help and over restarts. */
export interface Exits {
  /**
   * Begins the exit of a channel: from now on nothing is paid from it, and after its notice the rest can be had. Asking
   * again does nothing new.
   *
   * @throws DepinferError `channel.unknown`, `channel.ofPass`, or what the chain says; the wish is on disk then, and
   * `finish` goes on with it.
   */
  begin(id: Hex): Promise<BuyerChannel>;
  /** Takes every exit as far as it goes now: announces what was not announced, closes what is due, empties the balance. */
  finish(): Promise<ExitReport>;
}

export function createExits(modules: ChannelModules, { payer }: Pick<ChannelOptions, "payer">): Exits {
  const { chain, ledger, log } = modules;
  let finishing: Promise<ExitReport> | null = null;

  /** Safe to repeat: the chain is asked what it knows first. */
  async function announce(id: Hex): Promise<BuyerChannel> {
    const before = await confirm(modules, id);
    if (before.state !== "open") {
      return before;
    }
    await unlessDone(id, "open", () => chain.channels.initiateWithdraw(before.config));
    log("info", `the exit of channel ${id} is announced`, { channelId: id });
    return confirm(modules, id);
  }

  /** Does one step. A step that the chain refuses because somebody else took it is done as well. */
  async function unlessDone(id: Hex, before: BuyerChannel["state"], step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (errorCode(error) !== "chain.reverted" || (await confirm(modules, id)).state === before) {
        throw error;
      }
    }
  }

  async function close(channel: BuyerChannel, now: number): Promise<BuyerChannel> {
    if (channel.state !== "withdrawing" || channel.withdrawAt === null || now < channel.withdrawAt) {
      return channel;
    }
    await unlessDone(channel.id, "withdrawing", () => chain.channels.finalizeWithdraw(channel.config));
    return confirm(modules, channel.id);
  }

  return {
    async begin(id) {
      const channel = known(ledger, id);
      if (channel.pass !== null) {
        throw new DepinferError({
          code: "channel.ofPass",
          message: `Channel ${id} belongs to pass ${channel.pass}, whose contract takes its rest back`,
          remedy: `Cancel the pass with \`depinfer pass cancel ${channel.pass}\`, or wait for its end`,
          metadata: { channelId: id, passId: channel.pass.toString() },
        });
      }
      await ledger.saveLeaving(id, true);
      return announce(id);
    },
    finish() {
      finishing ??= finishNow().finally(() => {
        finishing = null;
      });
      return finishing;
    },
  };

  async function finishNow(): Promise<ExitReport> {
    const leaving = ledger.channels().filter(({ pass, leaving: wanted }) => wanted && pass === null);
    if (leaving.length === 0) {
      return { closed: [], waiting: [], returned: 0n };
    }
    const now = await chain.blockTime();
    const channels: BuyerChannel[] = [];
    for (const { id } of leaving) {
      channels.push(await close(await announce(id), now));
    }
    const closed = channels.filter(({ state }) => state === "closed").map(({ id }) => id);
    const returned = closed.length === 0 ? 0n : await chain.channels.freeBalance(payer);
    if (returned > 0n) {
      await chain.channels.withdraw(returned);
      log("info", `${formatUsd(returned)} came back from ${closed.length} channels`);
    } else {
      // Only now is nothing left to do for them: a reorganisation may have undone the last transaction of the call before.
      for (const id of closed) {
        await ledger.saveLeaving(id, false);
      }
    }
    return {
      closed,
      waiting: channels.flatMap(({ id, withdrawAt }) => (withdrawAt === null ? [] : [{ channelId: id, withdrawAt }])),
      returned,
    };
  }
}
