import type { PassTier } from "@depinfer/chain";
import { decodeTier, encodeTier, formatUsd, type MicroUsd } from "@depinfer/protocol";
import { digits } from "../money/amounts.ts";
import { duration, onlyPurse } from "../money/passes.ts";
import { perform } from "../money/perform.ts";
import { readOnlyChain } from "../money/wallets.ts";
import { printTable } from "../table.ts";
import { finish, type MoneyOptions } from "./money.ts";

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
