import type { Chain, Pass, PassTier } from "@depinfer/chain";
import {
  DepinferError,
  decodeTier,
  encodeTier,
  formatUsd,
  type Hex,
  type MicroUsd,
  microUsdSchema,
} from "@depinfer/protocol";
import { homePaths } from "../home.ts";
import { openIdentity, readPassphrase } from "../identity.ts";
import { about, digits, unlock } from "../money/amounts.ts";
import { chainNow } from "../money/chain-clock.ts";
import { passesOf } from "../money/pass-positions.ts";
import { type Done, perform, type Step } from "../money/perform.ts";
import { chooseWallets, openPurse, type Purse, readOnlyChain } from "../money/wallets.ts";
import { callControl } from "../service/control.ts";
import { printTable } from "../table.ts";
import { approve, finish, type MoneyOptions, say } from "./money.ts";

/** `depinfer pass tiers`: what can be bought. */
export async function passTiers(options: Omit<MoneyOptions, "dryRun">): Promise<void> {
  const tiers = await readOnlyChain(options).passes.tiers();
  if (options.json) {
    console.log(JSON.stringify(tiers, digits));
    return;
  }
  if (tiers.length === 0) {
    console.log("Nobody sells passes here yet. To sell them: depinfer pass sell --help");
    return;
  }
  printTable(tiers.map(tierRow));
}

function tierRow({ id, price, periodSeconds, quota, requestsPerMinute, unitsPerMillion, ...text }: PassTier) {
  const described = decodeTier(text);
  return {
    tier: String(id),
    price: formatUsd(price),
    period: duration(periodSeconds),
    tokens: quota.toLocaleString("en"),
    "requests/min": requestsPerMinute,
    "pays providers": `${formatUsd(unitsPerMillion)}/M tokens`,
    models: described === undefined ? "none: its text does not fit" : described.models.join(", ") || "all",
    description: described?.description ?? "",
  };
}

export interface TierTerms {
  readonly price: MicroUsd;
  readonly periodSeconds: number;
  readonly quota: bigint;
  readonly requestsPerMinute: number;
  readonly models: readonly string[];
  readonly description: string;
}

/** `depinfer pass sell`: makes a tier, whose terms never change. */
export async function sellPass(terms: TierTerms, options: MoneyOptions): Promise<void> {
  const purse = await onlyPurse(options);
  const what = `sell passes of ${terms.quota.toLocaleString("en")} tokens in ${duration(terms.periodSeconds)} for ${formatUsd(terms.price)}; a tier's terms are for ever`;
  finish(options, [
    await perform(
      purse,
      { what, send: ({ passes }) => passes.createTier({ ...terms, ...encodeTier(terms) }) },
      options,
    ),
  ]);
}

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

/** `depinfer pass list`: the passes of this home's services. */
export async function listPasses(options: Omit<MoneyOptions, "dryRun">): Promise<void> {
  const chain = readOnlyChain(options);
  const now = await chainNow(chain);
  const wallets = await chooseWallets(options.home, options.service);
  const found = await Promise.all(
    wallets.map(async ({ service, account }) => (await passesOf(chain, account)).map((pass) => ({ service, ...pass }))),
  );
  const passes = await Promise.all(
    found.flat().map(async (pass) => ({ ...pass, tokensLeft: await tokensLeft(options.home, pass.id) })),
  );
  if (options.json) {
    console.log(JSON.stringify(passes, digits));
    return;
  }
  if (passes.length === 0) {
    console.log("No passes. What is sold: depinfer pass tiers");
    return;
  }
  printTable(
    passes.map(({ service, id, tier, status, end, paid, balance, drawn, refundable, tokensLeft }) => ({
      holder: service,
      pass: String(id),
      tier: String(tier),
      status,
      ends: unlock(end, now),
      paid: formatUsd(paid),
      unspent: formatUsd(balance),
      "in channels": formatUsd(drawn),
      "least refund now": formatUsd(refundable),
      "tokens left": tokensLeft === null ? "?" : tokensLeft.toLocaleString("en"),
    })),
  );
}

/** Tokens left of a pass, as the gateway counts them; null when it does not run or does not know the pass. */
async function tokensLeft(home: string, pass: bigint): Promise<bigint | null> {
  const gateway = homePaths(home).service("gateway");
  const asked = { pass: pass.toString() };
  const answer = microUsdSchema.safeParse(await callControl(gateway, "passRemaining", asked).catch(() => null));
  return answer.success ? answer.data : null;
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

async function requireTier(chain: Chain, id: bigint): Promise<PassTier> {
  const tier = await chain.passes.tier(id);
  if (tier === undefined) {
    throw new DepinferError({
      code: "pass.noTier",
      message: `There is no tier ${id}`,
      remedy: "See what is sold with `depinfer pass tiers`",
      metadata: { tier: id.toString() },
    });
  }
  return tier;
}

async function requirePass(chain: Chain, id: bigint): Promise<Pass> {
  const pass = await chain.passes.pass(id);
  if (pass === undefined) {
    throw new DepinferError({
      code: "pass.unknown",
      message: `There is no pass ${id}`,
      remedy: "See yours with `depinfer pass list`",
      metadata: { pass: id.toString() },
    });
  }
  return pass;
}

/** Passes are bought by one service: the gateway unless another is named. */
async function onlyPurse(options: MoneyOptions): Promise<Purse> {
  const [wallet] = await chooseWallets(options.home, options.service ?? "gateway");
  if (wallet === undefined) {
    throw new RangeError("no wallet was chosen");
  }
  return openPurse(options, wallet);
}

/** The wallet of this home that holds the pass. */
async function purseOf(passId: bigint, options: MoneyOptions): Promise<Purse> {
  const { holder } = await requirePass(readOnlyChain(options), passId);
  const wallet = (await chooseWallets(options.home, options.service)).find(({ account }) => account === holder);
  if (wallet === undefined) {
    throw new DepinferError({
      code: "pass.notYours",
      message: `Pass ${passId} belongs to ${holder}, which is no service of this home`,
      remedy: "See yours with `depinfer pass list`",
      metadata: { pass: passId.toString(), holder },
    });
  }
  return openPurse(options, wallet);
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
  [1, "second"],
];

function duration(seconds: number): string {
  const [length, name] = UNITS.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, "second"];
  const count = seconds / length;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
