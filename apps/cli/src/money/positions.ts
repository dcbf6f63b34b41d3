import { type Chain, X402_BATCH_CONTRACT } from "@depinfer/chain";
import { formatUsd, type Hex } from "@depinfer/protocol";
import type { OpenChannel } from "./channels-on-chain.ts";
import { passPositions } from "./pass-positions.ts";
import type { Wallet } from "./wallets.ts";

/** Which contract keeps it; `wallet` is the account itself. */
export type Keeper = "wallet" | "channels" | "stakeVault" | "disputes" | "passes";

/** Units of one account in one place. Every unit is in exactly one position. */
export interface Position {
  readonly service: string;
  readonly account: Hex;
  readonly keeper: Keeper;
  /** Where it is, for people. */
  readonly place: string;
  /** Units of six decimals. */
  readonly amount: bigint;
  /** Unix second from which it can be taken; undefined for now, or after a notice. */
  readonly unlocksAt: number | undefined;
  /** Seconds of notice that have to be given first; undefined for none, or once it was given. */
  readonly notice: number | undefined;
  /** The command that frees it, or what it waits for. */
  readonly frees: string;
}

/** What one account has, everywhere. */
export async function positionsOf(
  chain: Chain,
  { service, account }: Pick<Wallet, "service" | "account">,
  channels: readonly OpenChannel[],
): Promise<readonly Position[]> {
  const [wallet, free, earned, stake, unbondDelay, shares, bonds, passes] = await Promise.all([
    chain.usd.balanceOf(account),
    chain.channels.freeBalance(account),
    chain.channels.earned(account),
    chain.stake.of(account),
    chain.stake.unbondDelay(),
    chain.stake.claimable(account),
    chain.disputes.claimable(account),
    passPositions(chain, { service, account }, channels),
  ]);
  const position = (
    keeper: Keeper,
    place: string,
    amount: bigint,
    frees: string,
    unlocksAt?: number,
    notice?: number,
  ): Position => ({ service, account, keeper, place, amount, unlocksAt, notice, frees });
  const locked = stake.locks === 0 ? "" : `; held by ${stake.locks} open dispute${stake.locks === 1 ? "" : "s"}`;
  return [
    position("wallet", "wallet", wallet, "yours to send"),
    position("channels", "free deposit", free, `depinfer withdraw --service ${service}`),
    ...channels
      .filter(({ payer }) => payer === account)
      .map(({ receiver, state, withdrawDelay }) =>
        position(
          "channels",
          `channel to ${receiver.slice(0, 10)}…`,
          state.deposit - state.settled,
          state.withdrawAt === undefined
            ? `depinfer withdraw --channels --service ${service}`
            : `depinfer withdraw --service ${service}`,
          state.withdrawAt,
          state.withdrawAt === undefined ? withdrawDelay : undefined,
        ),
      ),
    position("channels", "earned", earned, `depinfer claim --service ${service}`),
    position(
      "stakeVault",
      `stake of ${stake.slots} slots`,
      stake.active,
      `depinfer stake remove --service ${service}${locked}`,
      undefined,
      unbondDelay,
    ),
    position(
      "stakeVault",
      "stake on its way out",
      stake.unbonding,
      `depinfer stake take --service ${service}${locked}`,
      stake.unbondingAt,
    ),
    position("stakeVault", "shares of slashes", shares, `depinfer claim --service ${service}`),
    position("disputes", "returned bonds", bonds, `depinfer claim --service ${service}`),
    ...passes,
  ].filter(({ amount }) => amount > 0n);
}

export function sumOf(positions: readonly Pick<Position, "amount">[]): bigint {
  return positions.reduce((sum, { amount }) => sum + amount, 0n);
}

/** Where all tokens of the deployment are: what accounts of this home have, and what is left for others. */
export interface Supply {
  readonly total: bigint;
  readonly keepers: readonly {
    /** A contract; `elsewhere` is what no contract of the deployment and no account of this home has. */
    readonly keeper: Exclude<Keeper, "wallet"> | "feeSplitter" | "refundInsurance" | "x402" | "elsewhere";
    readonly held: bigint;
    /** Of `held`, units of this home's positions. */
    readonly ours: bigint;
  }[];
}

const KEEPERS = ["channels", "stakeVault", "disputes", "passes", "feeSplitter", "refundInsurance"] as const;

/** Compares the positions with what the token itself says. */
export async function supplyOf(chain: Chain, positions: readonly Position[]): Promise<Supply> {
  const total = await chain.usd.totalSupply();
  const ours = (keeper: string) => sumOf(positions.filter((position) => position.keeper === keeper));
  const kept: Supply["keepers"][number][] = await Promise.all(
    KEEPERS.map(async (keeper) => ({
      keeper,
      held: await chain.usd.balanceOf(chain.deployment.addresses[keeper]),
      ours: ours(keeper),
    })),
  );
  const x402 = { keeper: "x402" as const, held: await chain.usd.balanceOf(X402_BATCH_CONTRACT), ours: 0n };
  kept.push(x402);
  const elsewhere = total - ours("wallet") - kept.reduce((sum, { held }) => sum + held, 0n);
  return { total, keepers: [...kept, { keeper: "elsewhere", held: elsewhere, ours: 0n }] };
}

/** What units that a keeper has for others are, as the end of a sentence about so many dollars. */
export function keptFor(keeper: Supply["keepers"][number]["keeper"]): string {
  return KEPT_FOR[keeper];
}

const KEPT_FOR: Readonly<Record<Supply["keepers"][number]["keeper"], string>> = {
  channels: "in Channels belong to others",
  stakeVault: "in StakeVault belong to others, or were slashed for nobody",
  disputes: "in Disputes are bonds of open disputes, or belong to others",
  passes: "in Passes belong to others, or are fees and shares that are not taken yet",
  feeSplitter: "are fees, shared by FeeSplitter",
  refundInsurance: "insure buyers against false answers",
  x402: "are in channels of x402 that callers without a key opened",
  elsewhere: "are in accounts that are not looked at here",
};

export function describeSupply({ total, keepers }: Supply): readonly string[] {
  const rest = keepers.filter(({ held, ours }) => held !== ours);
  if (rest.length === 0) {
    return ["That is the whole supply of the token: no unit is anywhere else."];
  }
  return [
    `Of the supply of ${formatUsd(total)}, the rest:`,
    ...rest.map(({ keeper, held, ours }) => `  ${formatUsd(held - ours)} ${KEPT_FOR[keeper]}`),
  ];
}
