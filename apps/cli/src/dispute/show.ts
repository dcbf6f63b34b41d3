import { formatUsd } from "@depinfer/protocol";
import { printTable } from "../table.ts";
import { type Account, total } from "./holdings.ts";

/** A table of who had and has what, to standard output. */
export function printAccounts(accounts: readonly Account[]): void {
  printTable(
    accounts.map(({ role, account, before, after }) => ({
      who: role,
      account: `${account.slice(0, 10)}…`,
      "stake before": formatUsd(before.stake),
      "stake after": formatUsd(after.stake),
      "all before": formatUsd(total(before)),
      "all after": formatUsd(total(after)),
      change: signed(total(after) - total(before)),
    })),
  );
}

/** The same for scripts; amounts are decimal strings of six-decimal units. */
export function accountsToJson(accounts: readonly Account[]) {
  return accounts.map(({ role, account, before, after }) => ({
    role,
    account,
    stakeBefore: before.stake.toString(),
    stakeAfter: after.stake.toString(),
    before: total(before).toString(),
    after: total(after).toString(),
    change: (total(after) - total(before)).toString(),
  }));
}

export function signed(amount: bigint): string {
  return amount < 0n ? `-${formatUsd(-amount)}` : `+${formatUsd(amount)}`;
}
