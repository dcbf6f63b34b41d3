import type { Chain, Pass, PassTier } from "@depinfer/chain";
import { DepinferError } from "@depinfer/protocol";
import { chooseWallets, type MoneyHome, openPurse, type Purse, readOnlyChain } from "./wallets.ts";

/* What the commands about passes have in common. */

/** @throws DepinferError `pass.noTier`. */
export async function requireTier(chain: Chain, id: bigint): Promise<PassTier> {
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

/** @throws DepinferError `pass.unknown`. */
export async function requirePass(chain: Chain, id: bigint): Promise<Pass> {
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
export async function onlyPurse(options: MoneyHome & { readonly service?: string | undefined }): Promise<Purse> {
  const [wallet] = await chooseWallets(options.home, options.service ?? "gateway");
  if (wallet === undefined) {
    throw new RangeError("no wallet was chosen");
  }
  return openPurse(options, wallet);
}

/** The wallet of this home that holds the pass. */
export async function purseOf(
  passId: bigint,
  options: MoneyHome & { readonly service?: string | undefined },
): Promise<Purse> {
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

/** A period in words: `30 days`. */
export function duration(seconds: number): string {
  const [length, name] = UNITS.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, "second"];
  const count = seconds / length;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
