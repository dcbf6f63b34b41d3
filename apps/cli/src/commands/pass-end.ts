import { DepinferError, formatUsd } from "@depinfer/protocol";
import { about, unlock } from "../money/amounts.ts";
import { chainNow } from "../money/chain-clock.ts";
import { onlyPurse, purseOf, requirePass } from "../money/passes.ts";
import { type Done, perform } from "../money/perform.ts";
import { finish, type MoneyOptions, say } from "./money.ts";

/** `depinfer pass cancel ID`: ends a pass; the rest is refunded once its channels are closed. */
export async function cancelPass(passId: bigint, options: MoneyOptions): Promise<void> {
  const purse = await purseOf(passId, options);
  const { refundable } = await requirePass(purse.chain, passId);
  const what = `cancel pass ${passId}; ${formatUsd(refundable)} come back, and what its channels do not spend`;
  const done = await perform(purse, { what, send: ({ passes }) => passes.cancel(passId) }, options);
  say(options, `  then: depinfer pass settle ${passId} --service ${purse.service}`);
  finish(options, [done]);
}

/** `depinfer pass settle ID`: does whatever is due: expiry, closing of channels, refund. */
export async function settlePass(passId: bigint, options: MoneyOptions): Promise<void> {
  const purse = await onlyPurse(options);
  const { chain } = purse;
  const done: Done[] = [];
  const now = await chainNow(chain);
  const { status, end, endedAt } = await requirePass(chain, passId);
  if (status === "settled") {
    throw new DepinferError({
      code: "pass.settled",
      message: `Pass ${passId} is settled already`,
      remedy: `Take what it refunded with \`depinfer claim --service ${purse.service}\``,
    });
  }
  if (status === "active" && end > now) {
    throw new DepinferError({
      code: "pass.active",
      message: `Pass ${passId} can be used for ${about(end - now)} more`,
      remedy: `To end it now: depinfer pass cancel ${passId}`,
    });
  }
  if (endedAt === undefined) {
    done.push(
      await perform(
        purse,
        { what: `end the expired pass ${passId}`, send: ({ passes }) => passes.expire(passId) },
        options,
      ),
    );
  }
  const { channels } = await requirePass(chain, passId);
  // From the last, since a reclaimed channel leaves the list and the last takes its place.
  for (const [index, { config, funded }] of [...channels.entries()].reverse()) {
    const state = await chain.channels.state(chain.channels.idOf(config));
    if (state.status === "open" && (state.withdrawAt === undefined || state.withdrawAt > now)) {
      say(options, `${formatUsd(funded)} in the channel to ${config.receiver} unlock ${unlock(state.withdrawAt, now)}`);
      return finish(options, done);
    }
    const what = `take back what is left of ${formatUsd(funded)} in the channel to ${config.receiver}`;
    done.push(await perform(purse, { what, send: ({ passes }) => passes.reclaim(passId, index) }, options));
  }
  const what = `settle pass ${passId}: refund its holder, pay the fee`;
  done.push(await perform(purse, { what, send: ({ passes }) => passes.settle(passId) }, options));
  say(options, `  then: depinfer claim --service ${purse.service}`);
  finish(options, done);
}
