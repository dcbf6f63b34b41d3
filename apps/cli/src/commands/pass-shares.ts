import {
  addressSchema,
  DepinferError,
  formatUsd,
  merkleProof,
  merkleRoot,
  microUsdSchema,
  passShareLeaf,
  toHex,
} from "@depinfer/protocol";
import { Client } from "undici";
import { z } from "zod";
import { readAccess } from "../gateway-client.ts";
import { digits } from "../money/amounts.ts";
import { chainNow } from "../money/chain-clock.ts";
import { type Done, perform } from "../money/perform.ts";
import { chooseWallets, openPurse, type Purse, readOnlyChain } from "../money/wallets.ts";
import { printTable } from "../table.ts";
import { finish, type MoneyOptions, say } from "./money.ts";

const sharesSchema = z.object({
  tier: z.string(),
  period: z.string(),
  surplus: microUsdSchema,
  unshared: microUsdSchema,
  shares: z.array(z.object({ provider: addressSchema, tokens: z.string(), amount: microUsdSchema })),
});
type Shares = z.output<typeof sharesSchema>;

/** `depinfer pass shares`: who gets what of a period, as anybody can recompute it from events. */
export async function showShares(
  tier: bigint,
  period: bigint | undefined,
  options: Omit<MoneyOptions, "dryRun">,
): Promise<void> {
  const found = await sharesOf(tier, period, options);
  const root = found.shares.length === 0 ? null : toHex(merkleRoot(leavesOf(found)));
  if (options.json) {
    console.log(JSON.stringify({ ...found, root }, digits));
    return;
  }
  console.log(`Tier ${tier}, period ${found.period}: ${formatUsd(found.surplus)} were paid and not used.`);
  printTable(
    found.shares.map(({ provider, tokens, amount }) => ({
      provider,
      "verified tokens": Number(tokens).toLocaleString("en"),
      share: formatUsd(amount),
    })),
  );
  console.log(`${formatUsd(found.unshared)} belong to nobody here and go to the insurance of buyers.`);
  if (root !== null) {
    console.log(`Root ${root}. Object to another one with an account of yours before its window closes.`);
  }
}

/** `depinfer pass share`: the issuer posts the root. */
export async function postShares(tier: bigint, period: bigint | undefined, options: MoneyOptions): Promise<void> {
  const found = await sharesOf(tier, period, options);
  if (found.shares.length === 0) {
    say(options, `nobody served the passes of tier ${tier} that ended in period ${found.period}; nothing to share`);
    return finish(options, []);
  }
  const issuer = (await readOnlyChain(options).passes.tier(tier))?.issuer;
  const wallet = (await chooseWallets(options.home, options.service)).find(({ account }) => account === issuer);
  if (wallet === undefined) {
    throw new DepinferError({
      code: "pass.notIssuer",
      message: `Tier ${tier} was made by ${issuer ?? "nobody"}, which is no service of this home`,
      remedy: "Only the issuer posts the root; until then anybody can look with `depinfer pass shares`",
    });
  }
  const root = toHex(merkleRoot(leavesOf(found)));
  const what = `share ${formatUsd(found.surplus - found.unshared)} of tier ${tier}, period ${found.period}, among ${found.shares.length} providers`;
  const send = ({ passes }: Purse["chain"]) => passes.postRoot(tier, BigInt(found.period), root);
  finish(options, [await perform(await openPurse(options, wallet), { what, send }, options)]);
}

/** `depinfer pass claim-share`: each provider of this home takes its share. */
export async function claimShares(tier: bigint, period: bigint | undefined, options: MoneyOptions): Promise<void> {
  const found = await sharesOf(tier, period, options);
  const leaves = leavesOf(found);
  const done: Done[] = [];
  for (const wallet of await chooseWallets(options.home, options.service)) {
    const index = found.shares.findIndex(({ provider }) => provider === wallet.account);
    const share = found.shares[index];
    if (share !== undefined) {
      const proof = merkleProof(leaves, index).map(toHex);
      const what = `take its share of ${formatUsd(share.amount)} of tier ${tier}, period ${found.period}`;
      const send = ({ passes }: Purse["chain"]) => passes.claimShare(tier, BigInt(found.period), share.amount, proof);
      done.push(await perform(await openPurse(options, wallet), { what, send }, options));
      say(options, `  then: depinfer claim --service ${wallet.service}`);
    }
  }
  if (done.length === 0) {
    say(options, `no service of this home has a share in tier ${tier}, period ${found.period}`);
  }
  finish(options, done);
}

function leavesOf({ tier, period, shares }: Shares): Uint8Array[] {
  return shares.map(({ provider, amount }) =>
    passShareLeaf({ tierId: BigInt(tier), period: BigInt(period), provider, amount }),
  );
}

/** Asks this home's indexer, which has computed it from events. */
async function sharesOf(
  tierId: bigint,
  period: bigint | undefined,
  options: Omit<MoneyOptions, "dryRun">,
): Promise<Shares> {
  const chain = readOnlyChain(options);
  const tier = await chain.passes.tier(tierId);
  const now = await chainNow(chain);
  const last = tier === undefined ? 0n : BigInt(Math.floor(now / tier.periodSeconds)) - 1n;
  const { indexerUrl } = readAccess(options.home);
  if (indexerUrl === undefined) {
    throw new DepinferError({
      code: "access.noIndexer",
      message: `The network in ${options.home} names no indexer`,
      remedy: "Start one with `depinfer indexer`; shares are computed from its events",
    });
  }
  const client = new Client(indexerUrl);
  try {
    const { statusCode, body } = await client.request({
      method: "GET",
      path: `/passes/shares/${tierId}/${period ?? last}`,
    });
    const answer: unknown = await body.json();
    if (statusCode !== 200) {
      const { error } = z.object({ error: z.object({ code: z.string(), message: z.string() }) }).parse(answer);
      throw new DepinferError({ code: error.code, message: error.message, remedy: "See `depinfer pass tiers`" });
    }
    return sharesSchema.parse(answer);
  } finally {
    await client.close();
  }
}
