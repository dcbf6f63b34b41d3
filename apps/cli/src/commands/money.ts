import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createChain } from "@depinfer/chain";
import { formatUsd, type Hex } from "@depinfer/protocol";
import { z } from "zod";
import { homePaths } from "../home.ts";
import { readPassphrase, walletAddress } from "../identity.ts";
import { readNetworkFile } from "../network-file.ts";
import { callControl } from "../service/control.ts";
import { printTable } from "../table.ts";

/** Where one account's units are. All amounts are units of six decimals. */
interface Holdings {
  readonly service: string;
  readonly account: Hex;
  readonly wallet: bigint;
  /** Deposited and in no channel. */
  readonly free: bigint;
  /** In open channels as payer, not yet claimed. */
  readonly channels: bigint;
  /** Claimed by a provider and not yet withdrawn. */
  readonly earned: bigint;
  readonly stake: bigint;
}

/** `depinfer money where`: every unit of the services in this home, read from the chain. */
export async function moneyWhere(home: string, json: boolean): Promise<void> {
  const paths = homePaths(home);
  const { deployment, rpcUrl } = readNetworkFile(paths.network);
  const chain = createChain({ rpcUrl, deployment });
  const passphrase = readPassphrase(paths.passphrase);
  const services = readdirSync(home).filter((name) => /^(provider|validator)-\d+$|^gateway$/.test(name));
  const inChannels = await escrowByPayer(chain);
  const rows: Holdings[] = [];
  for (const service of services.sort()) {
    const account = await walletAddress(join(home, service), passphrase);
    const [balance, free, earned, stake] = await Promise.all([
      chain.usd.balanceOf(account),
      chain.channels.freeBalance(account),
      chain.channels.earned(account),
      chain.stake.of(account),
    ]);
    rows.push({
      service,
      account,
      wallet: balance,
      free,
      channels: inChannels.get(account) ?? 0n,
      earned,
      stake: stake.amount,
    });
  }
  const total = rows.reduce(
    (sum, { wallet, free, channels, earned, stake }) => sum + wallet + free + channels + earned + stake,
    0n,
  );
  if (json) {
    console.log(
      JSON.stringify({ total, services: rows }, (_key, value: unknown) =>
        typeof value === "bigint" ? value.toString() : value,
      ),
    );
    return;
  }
  printTable(
    rows.map(({ service, account, wallet, free, channels, earned, stake }) => ({
      service,
      account,
      wallet: formatUsd(wallet),
      "free deposit": formatUsd(free),
      "in channels": formatUsd(channels),
      earned: formatUsd(earned),
      stake: formatUsd(stake),
    })),
  );
  console.log(`Together ${formatUsd(total)} of test money.`);
}

/** Unclaimed escrow per payer, from the chain's own events. */
async function escrowByPayer(chain: ReturnType<typeof createChain>): Promise<Map<Hex, bigint>> {
  const payers = new Map<Hex, Hex>();
  const done = new AbortController();
  await chain.follow({
    fromBlock: BigInt(chain.deployment.block),
    contracts: ["channels"],
    signal: done.signal,
    async onLogs({ events, toBlock }) {
      for (const event of events) {
        if (event.eventName === "ChannelOpened") {
          payers.set(event.args.channelId, event.args.payer);
        }
      }
      if (toBlock >= (await chain.blockNumber())) {
        done.abort();
      }
    },
  });
  const sums = new Map<Hex, bigint>();
  for (const [id, payer] of payers) {
    const { deposit, settled, status } = await chain.channels.state(id);
    sums.set(payer, (sums.get(payer) ?? 0n) + (status === "open" ? deposit - settled : 0n));
  }
  return sums;
}

const settlement = z.object({
  epoch: z.number().nullable(),
  rootTx: z.string().nullable(),
  claimTx: z.string().nullable(),
  gasUsed: z.string(),
  claimed: z.string(),
  receipts: z.number(),
});

/** `depinfer claim`: every provider of this home posts its epoch and claims what is vouchered. */
export async function claim(home: string, json: boolean): Promise<void> {
  const folders = readdirSync(home).filter((name) => /^provider-\d+$/.test(name));
  for (const name of folders.sort()) {
    const done = settlement.parse(await callControl(join(home, name), "settle"));
    if (json) {
      console.log(JSON.stringify({ provider: name, ...done }));
    } else {
      const what =
        done.claimTx === null ? "nothing to claim" : `claimed ${formatUsd(BigInt(done.claimed))} in ${done.claimTx}`;
      console.log(`${name}: new receipts: ${done.receipts}, ${what}, gas ${done.gasUsed}`);
    }
  }
}
