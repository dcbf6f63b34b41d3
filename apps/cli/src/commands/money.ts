import type { SignedApproval } from "@depinfer/chain";
import { errorCode, formatUsd, type Hex, type MicroUsd } from "@depinfer/protocol";
import { about, digits, unlock } from "../money/amounts.ts";
import { chainNow } from "../money/chain-clock.ts";
import { openChannels } from "../money/channels-on-chain.ts";
import { moneyOf } from "../money/overview.ts";
import { type Done, type PerformOptions, perform } from "../money/perform.ts";
import { describeSupply } from "../money/positions.ts";
import { chooseWallets, type MoneyHome, openPurse, type Purse, readOnlyChain } from "../money/wallets.ts";
import { printTable } from "../table.ts";
import { createSteps } from "../up/steps.ts";

export interface MoneyOptions extends MoneyHome, PerformOptions {
  /** Name of a service, or the first part of several names; all by default. */
  readonly service?: string | undefined;
}

/** `depinfer money where`: every unit of the services in this home, where it is, when it unlocks and what frees it. */
export async function moneyWhere(options: Omit<MoneyOptions, "dryRun">): Promise<void> {
  const chain = readOnlyChain(options);
  const wallets = await chooseWallets(options.home, options.service);
  const { total, now, positions, supply, promises, x402 } = await createSteps().run(
    `Reading where the money of ${wallets.length} services is`,
    (note) => moneyOf(chain, wallets, (count) => note(`${count} open channels`)),
  );
  if (options.json) {
    console.log(JSON.stringify({ total, now, positions, promises, x402, supply }, digits));
    return;
  }
  printTable(
    positions.map(({ service, place, amount, unlocksAt, notice, frees }) => ({
      service,
      amount: formatUsd(amount),
      where: place,
      unlocks: notice === undefined ? unlock(unlocksAt, now) : `${about(notice)} after notice`,
      "freed by": frees,
    })),
  );
  console.log(`Together ${formatUsd(total)} of test money.`);
  if (promises.length > 0) {
    console.log("\nSigned away or under way, inside the channels above:");
    printTable(
      promises.map(({ service, with: other, promised, inFlight, unclaimed }) => ({
        service,
        channel: other,
        vouchered: formatUsd(promised),
        "credit in flight": formatUsd(inFlight),
        "not claimed yet": formatUsd(unclaimed),
      })),
    );
  }
  if (x402 > 0n) {
    console.log(
      `\nCallers by x402 owe the gateway ${formatUsd(x402)}, which it claims from their channels every few minutes.`,
    );
  }
  console.log(`\n${describeSupply(supply).join("\n")}`);
}

/** `depinfer deposit AMOUNT`: wallet → free balance, from which channels are opened. */
export async function deposit(amount: MicroUsd, options: MoneyOptions): Promise<void> {
  const [wallet] = await chooseWallets(options.home, options.service ?? "gateway");
  if (wallet === undefined) {
    return;
  }
  const purse = await openPurse(options, wallet);
  const what = `deposit ${formatUsd(amount)} into Channels`;
  const approval = await signedApproval(purse, amount);
  if (approval !== undefined) {
    const send = ({ channels }: Purse["chain"]) => channels.depositWithPermit(amount, approval);
    return finish(options, [await perform(purse, { what, send }, options)]);
  }
  const done = await approve(purse, "Channels", purse.chain.channels.address, amount, options);
  if (options.dryRun && done.length > 0) {
    say(options, `${purse.service}: then ${what}; its fee is known once the first is done`);
    return finish(options, done);
  }
  finish(options, [...done, await perform(purse, { what, send: ({ channels }) => channels.deposit(amount) }, options)]);
}

/** Seconds for which a signed approval holds: long enough for a busy chain. */
const APPROVAL_SECONDS = 1_800;

/** The wallet's approval by signature (EIP-2612), which saves a transaction; undefined where the token knows none. */
async function signedApproval({ chain }: Purse, amount: bigint): Promise<SignedApproval | undefined> {
  const deadline = BigInt((await chainNow(chain)) + APPROVAL_SECONDS);
  try {
    return await chain.usd.permit({ spender: chain.channels.address, amount, deadline });
  } catch (error) {
    if (errorCode(error) === "chain.unreachable") {
      throw error;
    }
    return undefined;
  }
}

/** Approves `amount` for a contract, unless it is approved already. */
export async function approve(
  purse: Purse,
  name: string,
  spender: Hex,
  amount: bigint,
  options: PerformOptions,
): Promise<readonly Done[]> {
  if ((await purse.chain.usd.allowance(purse.account, spender)) >= amount) {
    return [];
  }
  const what = `allow ${name} to take ${formatUsd(amount)}`;
  return [await perform(purse, { what, send: ({ usd }) => usd.approve(spender, amount) }, options)];
}

export interface WithdrawOptions extends MoneyOptions {
  /** Also begin to close the account's channels. */
  readonly channels: boolean;
}

/** `depinfer withdraw [AMOUNT]`: completes exits that are due, and moves the free balance to the wallet. */
export async function withdraw(amount: MicroUsd | undefined, options: WithdrawOptions): Promise<void> {
  const done: Done[] = [];
  for (const wallet of await chooseWallets(options.home, options.service ?? "gateway")) {
    const purse = await openPurse(options, wallet);
    done.push(...(await leaveChannels(purse, options)));
    const free = await purse.chain.channels.freeBalance(wallet.account);
    const wanted = amount ?? free;
    if (wanted === 0n) {
      say(options, `${wallet.service}: no free deposit to withdraw`);
      continue;
    }
    done.push(
      await perform(
        purse,
        { what: `withdraw ${formatUsd(wanted)} to the wallet`, send: ({ channels }) => channels.withdraw(wanted) },
        options,
      ),
    );
  }
  finish(options, done);
}

/** Closes channels whose notice is over; with `--channels` gives notice for the others. */
async function leaveChannels(purse: Purse, options: WithdrawOptions): Promise<readonly Done[]> {
  const { chain, account, service } = purse;
  const now = await chainNow(chain);
  const mine = (await openChannels(chain)).filter(({ payer }) => payer === account);
  const done: Done[] = [];
  for (const { id, receiver, state, withdrawDelay } of mine) {
    const rest = formatUsd(state.deposit - state.settled);
    const config = await chain.channels.configOf(id);
    if (config === undefined) {
      continue;
    }
    if (state.withdrawAt !== undefined && state.withdrawAt <= now) {
      const what = `close the channel to ${receiver}; ${rest} return to the free deposit`;
      done.push(await perform(purse, { what, send: ({ channels }) => channels.finalizeWithdraw(config) }, options));
    } else if (state.withdrawAt !== undefined) {
      say(options, `${service}: ${rest} in the channel to ${receiver} unlock ${unlock(state.withdrawAt, now)}`);
    } else if (options.channels) {
      const what = `give notice on the channel to ${receiver}; what is not claimed of ${rest} unlocks in ${withdrawDelay} s`;
      done.push(await perform(purse, { what, send: ({ channels }) => channels.initiateWithdraw(config) }, options));
    }
  }
  return done;
}

export function say({ json }: Pick<PerformOptions, "json">, text: string): void {
  if (!json) {
    console.log(text);
  }
}

/** Ends a command that did transactions. */
export function finish({ json }: Pick<PerformOptions, "json">, done: readonly Done[]): void {
  if (json) {
    console.log(JSON.stringify({ transactions: done }, digits));
  }
}
