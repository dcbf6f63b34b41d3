import { readdirSync } from "node:fs";
import { join } from "node:path";
import { formatUsd } from "@depinfer/protocol";
import { z } from "zod";
import { type Done, perform, type Step } from "../money/perform.ts";
import { chooseWallets, openPurse, type Purse } from "../money/wallets.ts";
import { callControl } from "../service/control.ts";
import { finish, type MoneyOptions, say } from "./money.ts";

const settlement = z.object({
  epoch: z.number().nullable(),
  rootTx: z.string().nullable(),
  claimTx: z.string().nullable(),
  gasUsed: z.string(),
  claimed: z.string(),
  receipts: z.number(),
});

/** `depinfer settle`: every provider of this home that runs posts its epoch and redeems its vouchers. */
export async function settle(options: Omit<MoneyOptions, "dryRun">): Promise<void> {
  const folders = readdirSync(options.home).filter((name) => /^provider-\d+$/.test(name));
  const chosen = folders.filter(
    (name) => options.service === undefined || name === options.service || name.startsWith(`${options.service}-`),
  );
  for (const name of chosen.sort()) {
    const done = settlement.parse(await callControl(join(options.home, name), "settle"));
    if (options.json) {
      console.log(JSON.stringify({ provider: name, ...done }));
    } else {
      const what =
        done.claimTx === null ? "nothing to claim" : `claimed ${formatUsd(BigInt(done.claimed))} in ${done.claimTx}`;
      console.log(`${name}: new receipts: ${done.receipts}, ${what}, gas ${done.gasUsed}`);
    }
  }
}

/** `depinfer claim`: everything that is an account's and not yet in its wallet is moved there. */
export async function claim(options: MoneyOptions): Promise<void> {
  const done: Done[] = [];
  for (const wallet of await chooseWallets(options.home, options.service)) {
    const purse = await openPurse(options, wallet);
    const steps = await claims(purse);
    if (steps.length === 0) {
      say(options, `${wallet.service}: nothing to claim`);
    }
    for (const step of steps) {
      done.push(await perform(purse, step, options));
    }
  }
  finish(options, done);
}

/** One step per contract that owes the account something. */
async function claims({ chain, account }: Purse): Promise<readonly Step[]> {
  const [earned, shares, bonds, refunds] = await Promise.all([
    chain.channels.earned(account),
    chain.stake.claimable(account),
    chain.disputes.claimable(account),
    chain.passes.withdrawable(account),
  ]);
  return [
    { amount: earned, name: "earned by serving", send: (to: typeof chain) => to.channels.withdrawEarned() },
    { amount: shares, name: "from slashes", send: (to: typeof chain) => to.stake.withdrawClaimable() },
    { amount: bonds, name: "of dispute bonds", send: (to: typeof chain) => to.disputes.withdraw() },
    { amount: refunds, name: "refunded by passes", send: (to: typeof chain) => to.passes.withdraw() },
  ].flatMap(({ amount, name, send }) =>
    amount === 0n ? [] : [{ what: `take ${formatUsd(amount)} ${name} into the wallet`, send }],
  );
}
