import { DepinferError, formatUsd, type MicroUsd } from "@depinfer/protocol";
import { digits, unlock } from "../money/amounts.ts";
import { chainNow } from "../money/chain-clock.ts";
import { perform } from "../money/perform.ts";
import { chooseWallets, openPurse, type Purse, readOnlyChain } from "../money/wallets.ts";
import { printTable } from "../table.ts";
import { approve, finish, type MoneyOptions, say } from "./money.ts";

/** `depinfer stake show`: what each service has bonded, for how many slots, and what is on its way out. */
export async function showStake(options: Omit<MoneyOptions, "dryRun">): Promise<void> {
  const chain = readOnlyChain(options);
  const [now, perSlot] = await Promise.all([chainNow(chain), chain.stake.minPerSlot()]);
  const rows = await Promise.all(
    (await chooseWallets(options.home, options.service)).map(async ({ service, account }) => ({
      service,
      account,
      ...(await chain.stake.of(account)),
    })),
  );
  const bonded = rows.filter(({ amount }) => amount > 0n);
  if (options.json) {
    console.log(JSON.stringify({ minPerSlot: perSlot, stakes: bonded }, digits));
    return;
  }
  printTable(
    bonded.map(({ service, active, slots, coveredSlots, unbonding, unbondingAt, locks }) => ({
      service,
      active: formatUsd(active),
      slots: `${coveredSlots} of ${slots} covered`,
      "on its way out": formatUsd(unbonding),
      unlocks: unbonding === 0n ? "" : unlock(unbondingAt, now),
      "open disputes": locks,
    })),
  );
  console.log(`A slot needs ${formatUsd(perSlot)}.`);
}

/** `depinfer stake add SLOTS`: bonds what further slots need, or `amount`. */
export async function addStake(slots: number, amount: MicroUsd | undefined, options: MoneyOptions): Promise<void> {
  const purse = await onlyPurse(options);
  const { chain } = purse;
  const wanted = amount ?? (await chain.stake.minPerSlot()) * BigInt(slots);
  const done = await approve(purse, "StakeVault", chain.stake.address, wanted, options);
  if (options.dryRun && done.length > 0) {
    say(options, `${purse.service}: then bond ${formatUsd(wanted)} for ${slots} slots`);
    return finish(options, done);
  }
  const what = `bond ${formatUsd(wanted)} for ${slots} slots`;
  const bonded = await perform(purse, { what, send: ({ stake }) => stake.bond({ slots, amount: wanted }) }, options);
  finish(options, [...done, bonded]);
}

/** `depinfer stake remove SLOTS`: gives up slots and begins to take their stake back. */
export async function removeStake(slots: number, amount: MicroUsd | undefined, options: MoneyOptions): Promise<void> {
  const purse = await onlyPurse(options);
  const wanted = amount ?? (await purse.chain.stake.minPerSlot()) * BigInt(slots);
  const what = `give up ${slots} slots and begin to take ${formatUsd(wanted)} back; it stays slashable until it unlocks`;
  const done = await perform(
    purse,
    { what, send: ({ stake }) => stake.requestUnbond({ slots, amount: wanted }) },
    options,
  );
  const { unbondingAt } = await purse.chain.stake.of(purse.account);
  if (!options.dryRun) {
    say(
      options,
      `  unlocks ${unlock(unbondingAt, await chainNow(purse.chain))}; then: depinfer stake take --service ${purse.service}`,
    );
  }
  finish(options, [done]);
}

/** `depinfer stake keep`: leaves stake bonded that was on its way out. */
export async function keepStake(options: MoneyOptions): Promise<void> {
  const purse = await onlyPurse(options);
  const what = "keep the stake that was on its way out";
  finish(options, [await perform(purse, { what, send: ({ stake }) => stake.cancelUnbond() }, options)]);
}

/** `depinfer stake take`: moves stake whose delay is over into the wallet. */
export async function takeStake(options: MoneyOptions): Promise<void> {
  const purse = await onlyPurse(options);
  const { unbonding } = await purse.chain.stake.of(purse.account);
  const what = `take ${formatUsd(unbonding)} of stake into the wallet`;
  finish(options, [await perform(purse, { what, send: ({ stake }) => stake.finalizeUnbond() }, options)]);
}

/** Stake is changed for one service at a time. */
async function onlyPurse(options: MoneyOptions): Promise<Purse> {
  const wallets = await chooseWallets(options.home, options.service);
  const [wallet] = wallets;
  if (wallet === undefined || wallets.length > 1) {
    throw new DepinferError({
      code: "wallet.ambiguous",
      message: `${wallets.length} services match, and stake is changed for one at a time`,
      remedy: `Pass --service with one of ${wallets.map(({ service }) => service).join(", ")}`,
    });
  }
  return openPurse(options, wallet);
}
