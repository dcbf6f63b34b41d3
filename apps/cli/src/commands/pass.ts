import { formatUsd, type Hex } from "@depinfer/protocol";
import { homePaths } from "../home.ts";
import { openIdentity, readPassphrase } from "../identity.ts";
import { duration, onlyPurse, purseOf, requirePass, requireTier } from "../money/passes.ts";
import { type Done, perform, type Step } from "../money/perform.ts";
import type { Purse } from "../money/wallets.ts";
import { callControl } from "../service/control.ts";
import { approve, finish, type MoneyOptions, say } from "./money.ts";

/** `depinfer pass buy TIER`: buys a pass and, if the gateway runs, binds it to an API key. */
export async function buyPass(tierId: bigint, key: string, options: MoneyOptions): Promise<void> {
  const purse = await onlyPurse(options);
  const { chain } = purse;
  const tier = await requireTier(chain, tierId);
  const spender = await gatewayKeys(options.home);
  const done: Done[] = [...(await approve(purse, "Passes", chain.passes.address, tier.price, options))];
  if (options.dryRun && done.length > 0) {
    say(options, `${purse.service}: then buy a pass of tier ${tierId} for ${formatUsd(tier.price)}`);
    return finish(options, done);
  }
  let passId: bigint | undefined;
  const bought = await perform(
    purse,
    {
      what: `buy a pass of tier ${tierId}: ${tier.quota.toLocaleString("en")} tokens in ${duration(tier.periodSeconds)} for ${formatUsd(tier.price)}`,
      async send({ passes }) {
        const result = await passes.buy(tierId, { ...spender, maxPrice: tier.price });
        passId = result.passId;
        return result;
      },
    },
    options,
  );
  done.push(bought);
  if (passId !== undefined) {
    say(options, `  pass ${passId}`);
    await bind(options, passId, key);
  }
  finish(options, done);
}

/** `depinfer pass use ID`: requests with an API key are paid by the pass from now on. */
export async function usePass(passId: bigint, key: string, options: Omit<MoneyOptions, "dryRun">): Promise<void> {
  await bind(options, passId, key);
}

async function bind(options: Pick<MoneyOptions, "home" | "json">, passId: bigint, key: string): Promise<void> {
  const gateway = homePaths(options.home).service("gateway");
  await callControl(gateway, "bindPass", { name: key, pass: passId.toString() });
  say(options, `  the API key "${key}" now spends pass ${passId}; to undo: depinfer pass unuse --key ${key}`);
}

/** `depinfer pass unuse`: requests with an API key are paid per token again. */
export async function unusePass(key: string, options: Omit<MoneyOptions, "dryRun">): Promise<void> {
  await callControl(homePaths(options.home).service("gateway"), "bindPass", { name: key, pass: null });
  say(options, `the API key "${key}" pays per token`);
}

/** `depinfer pass renew ID`: pays for another period and another quota. */
export async function renewPass(passId: bigint, options: MoneyOptions): Promise<void> {
  const purse = await purseOf(passId, options);
  const { tier } = await requirePass(purse.chain, passId);
  const { price, quota, periodSeconds } = await requireTier(purse.chain, tier);
  const what = `renew pass ${passId}: ${quota.toLocaleString("en")} more tokens and ${duration(periodSeconds)} more for ${formatUsd(price)}`;
  await pay(purse, price, { what, send: ({ passes }) => passes.renew(passId) }, options);
}

/** `depinfer pass upgrade ID TIER`: goes on under a dearer tier; what is left of the old one is credited. */
export async function upgradePass(passId: bigint, tierId: bigint, options: MoneyOptions): Promise<void> {
  const purse = await purseOf(passId, options);
  const pass = await requirePass(purse.chain, passId);
  const tier = await requireTier(purse.chain, tierId);
  // Time goes on between this and the transaction, so that the credit shrinks a little: the price is the bound.
  const what = `move pass ${passId} to tier ${tierId} for ${formatUsd(tier.price)}, less about ${formatUsd(pass.refundable)} credit for what is left`;
  await pay(purse, tier.price, { what, send: ({ passes }) => passes.upgrade(passId, tierId, tier.price) }, options);
}

async function pay(purse: Purse, price: bigint, step: Step, options: MoneyOptions): Promise<void> {
  const done = await approve(purse, "Passes", purse.chain.passes.address, price, options);
  if (options.dryRun && done.length > 0) {
    say(options, `${purse.service}: then ${step.what}`);
    return finish(options, done);
  }
  finish(options, [...done, await perform(purse, step, options)]);
}

/** `depinfer pass transfer ID ACCOUNT`. */
export async function transferPass(passId: bigint, to: Hex, options: MoneyOptions): Promise<void> {
  const purse = await purseOf(passId, options);
  const what = `give pass ${passId} to ${to}; it can be spent once the new holder names a gateway`;
  finish(options, [await perform(purse, { what, send: ({ passes }) => passes.transfer(passId, to) }, options)]);
}

/** The accounts of this home's gateway: the one that opens channels, and the one that signs vouchers. */
async function gatewayKeys(home: string): Promise<{ operator: Hex; signer: Hex }> {
  const paths = homePaths(home);
  const { wallet, signer } = await openIdentity(paths.service("gateway"), readPassphrase(paths.passphrase));
  return { operator: wallet.address, signer: signer.address };
}
