import { formatUsd, microUsdSchema } from "@depinfer/protocol";
import { homePaths } from "../home.ts";
import { digits, unlock } from "../money/amounts.ts";
import { chainNow } from "../money/chain-clock.ts";
import { passesOf } from "../money/pass-positions.ts";
import { chooseWallets, readOnlyChain } from "../money/wallets.ts";
import { callControl } from "../service/control.ts";
import { printTable } from "../table.ts";
import type { MoneyOptions } from "./money.ts";

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
