import { channelId, DepinferError, errorCode, formatUsd, type Hex } from "@depinfer/protocol";
import type { AskPass } from "./ask.ts";
import type { BuyerChannel } from "./buyer-rows.ts";
import { type ChannelModules, channelsBinding, confirm, type Funding, most } from "./funding.ts";

/** A pass is spread over this many fundings, so that a few providers share it and none holds much of it. */
const PARTS = 16n;

/** Money of a pass. Its contract is the payer of the channels; the wallet pays nothing but gas. */
export function passFunding(modules: ChannelModules, { id: passId }: AskPass): Funding {
  const { chain, ledger, sessionSigner, log } = modules;
  const binding = channelsBinding(chain);

  async function readPass() {
    const pass = await chain.passes.pass(passId);
    if (pass === undefined || pass.status !== "active") {
      throw new DepinferError({
        code: "pass.notActive",
        message: `Pass ${passId} is ${pass === undefined ? "not known to the contract" : pass.status}`,
        remedy: "Renew the pass, buy another one, or pay per use with a key that has no pass",
        metadata: { passId: passId.toString() },
      });
    }
    return pass;
  }

  async function fund(provider: Hex, wanted: bigint, least: bigint): Promise<BuyerChannel> {
    const pass = await readPass();
    const price = (await chain.passes.tier(pass.tier))?.price ?? 0n;
    const part = most(wanted, price / PARTS);
    const amount = part < pass.balance ? part : pass.balance;
    if (amount < least || amount === 0n) {
      throw new DepinferError({
        code: "pass.insufficient",
        message: `Pass ${passId} has ${formatUsd(pass.balance)} left and ${formatUsd(least)} are needed for a channel`,
        remedy: "Ask for fewer tokens with max_tokens, renew or upgrade the pass, or pay per use",
        metadata: { passId: passId.toString(), balance: pass.balance.toString(), needed: least.toString() },
      });
    }
    const { config } = await chain.passes.fund(passId, provider, amount);
    const id = channelId(config, binding);
    await ledger.saveChannel(id, config, passId);
    log("info", `pass ${passId} put ${formatUsd(amount)} into a channel for ${provider}`, { channelId: id });
    return confirm(modules, id);
  }

  return {
    async open(provider, wanted, least) {
      // The contract names its channels. One that was opened just before a crash is found there and not opened twice.
      const pass = await readPass();
      for (const { config } of pass.channels) {
        const id = channelId(config, binding);
        const ours = config.receiver === provider && config.payerAuthorizer === sessionSigner.address;
        if (ours && ledger.channel(id) === undefined) {
          await ledger.saveChannel(id, config, passId);
          const found = await confirm(modules, id);
          if (found.state === "open" && found.deposit - found.owed >= least) {
            return found;
          }
        }
      }
      return fund(provider, wanted, least);
    },
    async topUp(channel, wanted, least) {
      try {
        return await fund(channel.provider, wanted, least);
      } catch (error) {
        const now = await confirm(modules, channel.id);
        if (errorCode(error) === "chain.reverted" && now.state !== "open") {
          return now;
        }
        throw error;
      }
    },
  };
}
