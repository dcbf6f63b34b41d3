import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Chain, createChain, createSigner, deployContracts, startAnvil, type Voucher } from "@depinfer/chain";
import { type ChannelConfig, type Hex, voucherDigest } from "@depinfer/protocol";
import type { Benchmark, BenchRow } from "./benchmark.ts";

/** The gates of DESIGN §8. */
const GATES: Readonly<Record<string, number>> = {
  openFromBalance: 58_000,
  openWithTransfer: 72_000,
  settle: 44_000,
  settleAndClose: 52_000,
  batch100PerChannel: 16_500,
  finalise: 50_000,
};

/** What the same step costs elsewhere: run by us or read; ranges by their lower end, which flatters the peer. */
const PEERS: Readonly<Record<string, { readonly peer: string; readonly gas: number; readonly source: string }>> = {
  openWithTransfer: { peer: "AntSeed open", gas: 199_500, source: "its contracts of May 2026, run" },
  settle: { peer: "AntSeed settle", gas: 142_600, source: "its contracts of May 2026, run" },
  settleAndClose: { peer: "AntSeed close", gas: 165_000, source: "its contracts of May 2026, run" },
  batch100PerChannel: { peer: "Livepeer ticket redemption", gas: 190_000, source: "published figures, read" },
};

const BATCH = 100;
const DEPOSIT = 12_345_678n;
const SPENT = 1_234_567n;
const PLENTY = 999_999_999_999n;
const DAY = 86_400;
const ALL_MODELS: Hex = `0x${"0".repeat(64)}`;
const POLL_MS = 100;

/** Everybody's view of one chain. */
interface Stage {
  readonly buyer: Chain;
  readonly provider: Chain;
  readonly stranger: Chain;
  /** A new channel between buyer and provider. */
  config(): ChannelConfig;
  sign(config: ChannelConfig, amount: bigint): Voucher;
  /** Waits until a withdrawal that was begun is due. */
  due(config: ChannelConfig): Promise<void>;
}

export const gas: Benchmark = {
  name: "gas",
  description: "gas of each step with money, from receipts on a Cancun chain, against the gates and against peers",
  async run({ quick, progress }) {
    const home = await mkdtemp(join(tmpdir(), "depinfer-gas-"));
    const anvil = await startAnvil({ home, hardfork: "cancun", blockTimeSeconds: 1 });
    try {
      const stage = await prepare(anvil.rpcUrl, [0, 1, 2, 3, 4].map(anvil.key));
      progress("channels");
      const channels = await measureChannels(stage, quick ? 10 : BATCH);
      progress("passes");
      const measured = { ...channels, ...(await measurePasses(stage)) };
      return {
        rounds: 1,
        rows: Object.entries(measured).map(([operation, used]) => rowOf(operation, used)),
        summary: measured,
        missed: Object.entries(GATES).flatMap(([name, gate]) => {
          const used = measured[name] ?? Number.POSITIVE_INFINITY;
          // A short batch shares the cost of a transaction among fewer.
          return used <= gate || (quick && name === "batch100PerChannel") ? [] : [`${name}: ${used} is above ${gate}`];
        }),
      };
    } finally {
      await anvil.stop();
      await rm(home, { recursive: true, force: true });
    }
  },
};

function rowOf(operation: string, used: number): BenchRow {
  const peer = PEERS[operation];
  return {
    operation,
    gas: used,
    gate: GATES[operation] ?? null,
    peer: peer?.peer ?? null,
    peerGas: peer?.gas ?? null,
    peerSource: peer?.source ?? null,
    timesCheaper: peer === undefined ? null : Math.round((10 * peer.gas) / used) / 10,
  };
}

/** The usual case: slots of payer and receiver are not zero, and salts and amounts are full of bytes that cost. */
async function prepare(rpcUrl: string, keys: readonly Hex[]): Promise<Stage> {
  const signers = keys.map((key) => createSigner(key));
  const [deployer, buyer, provider, session, stranger] = signers;
  if (!deployer || !buyer || !provider || !session || !stranger) {
    throw new TypeError("five keys are needed");
  }
  const deployment = await deployContracts(
    { rpcUrl, account: deployer },
    { minWithdrawDelay: 1, passTerms: { minPeriod: 1 } },
  );
  const as = (account: typeof buyer) => createChain({ rpcUrl, deployment, account });
  const chains = { buyer: as(buyer), provider: as(provider), stranger: as(stranger) };
  const { chainId, addresses } = deployment;
  for (const { address } of signers) {
    await chains.buyer.usd.mint(address, PLENTY);
  }
  await chains.buyer.usd.approve(addresses.channels, PLENTY / 2n);
  await chains.buyer.usd.approve(addresses.passes, PLENTY / 2n);
  await chains.buyer.channels.deposit(PLENTY / 4n);
  let salts = 0n;
  return {
    ...chains,
    config() {
      salts++;
      const salt = 0xc3a5c85c97cb3127b492b66fbe98f273n * 0x9ae16a3b2f90404fc949d7c7509e6557n + salts;
      return {
        payer: buyer.address,
        payerAuthorizer: session.address,
        receiver: provider.address,
        receiverAuthorizer: provider.address,
        token: addresses.testUsd,
        withdrawDelay: 1,
        salt: `0x${salt.toString(16).padStart(64, "1")}`,
      };
    },
    sign(config, maxClaimableAmount) {
      const binding = { chainId, verifyingContract: addresses.channels };
      const digest = voucherDigest(chains.buyer.channels.idOf(config), maxClaimableAmount, binding);
      return { config, maxClaimableAmount, signature: session.sign(digest) };
    },
    async due(config) {
      const { withdrawAt = 0 } = await chains.buyer.channels.state(chains.buyer.channels.idOf(config));
      while ((await chains.buyer.blockTime()) < withdrawAt) {
        await sleep(POLL_MS);
      }
    },
  };
}

async function measureChannels(stage: Stage, batch: number): Promise<Record<string, number>> {
  const { buyer, provider, stranger, config, sign, due } = stage;
  const { channels } = buyer;
  const opened = async () => {
    const made = config();
    await channels.openFromBalance(made, DEPOSIT);
    return made;
  };
  await provider.channels.claim(sign(await opened(), SPENT));

  const openFromBalance = await channels.openFromBalance(config(), DEPOSIT);
  await buyer.usd.approve(channels.address, DEPOSIT);
  const openWithTransfer = await channels.open(config(), DEPOSIT);
  await buyer.usd.approve(channels.address, PLENTY / 2n);
  const openWithStandingAllowance = await channels.open(config(), DEPOSIT);
  const settle = await provider.channels.claim(sign(await opened(), SPENT));
  const settleAndClose = await provider.channels.claimAndClose(sign(await opened(), SPENT));
  const leaving = await opened();
  const initiateWithdraw = await channels.initiateWithdraw(leaving);
  await due(leaving);
  const finalise = await stranger.channels.finalizeWithdraw(leaving);
  const vouchers: Voucher[] = [];
  for (let i = 0; i < batch; i++) {
    vouchers.push(sign(await opened(), SPENT));
  }
  const together = await provider.channels.claimBatch(vouchers);

  const validBefore = (await buyer.blockTime()) + DAY;
  const salt: Hex = `0x${"5a".repeat(32)}`;
  const payer = sign(config(), 0n).config.payer;
  const nonce = channels.depositNonce(payer, DEPOSIT, salt);
  const authorization = await buyer.usd.authorize({ to: channels.address, amount: DEPOSIT, nonce, validBefore });
  const deposit = await channels.deposit(DEPOSIT);
  const relayed = await stranger.channels.depositWithAuthorization({ amount: DEPOSIT, salt, authorization });
  await buyer.usd.approve(channels.address, 0n);
  const approval = await buyer.usd.permit({
    spender: channels.address,
    amount: DEPOSIT,
    deadline: BigInt(validBefore),
  });
  const permitted = await channels.depositWithPermit(DEPOSIT, approval);
  return {
    openFromBalance: Number(openFromBalance.gasUsed),
    openWithTransfer: Number(openWithTransfer.gasUsed),
    settle: Number(settle.gasUsed),
    settleAndClose: Number(settleAndClose.gasUsed),
    batch100PerChannel: Number(together.gasUsed) / batch,
    finalise: Number(finalise.gasUsed),
    openWithStandingAllowance: Number(openWithStandingAllowance.gasUsed),
    initiateWithdraw: Number(initiateWithdraw.gasUsed),
    deposit: Number(deposit.gasUsed),
    depositWithAuthorization: Number(relayed.gasUsed),
    depositWithPermit: Number(permitted.gasUsed),
  };
}

async function measurePasses(stage: Stage): Promise<Record<string, number>> {
  const { buyer, provider, sign, config, due } = stage;
  const { passes } = buyer;
  const { payer: holder, payerAuthorizer: signer, receiver } = sign(config(), 0n).config;
  const tier = { periodSeconds: 30 * DAY, quota: 10_000_000n, requestsPerMinute: 60, modelsHash: ALL_MODELS };
  const first = await passes.createTier({ ...tier, price: 19_999_999n, metadata: "thirty days" });
  const dear = await passes.createTier({ ...tier, price: 59_999_999n, metadata: "thirty days, three times" });
  const use = { operator: holder, signer, maxPrice: PLENTY };
  // One pass is bought, used and settled before, so that nothing is the first of its kind.
  for (let round = 0; ; round++) {
    const bought = await passes.buy(first.tierId, use);
    const id = bought.passId;
    const fundOpen = await passes.fund(id, receiver, DEPOSIT / 4n);
    const fundTopUp = await passes.fund(id, receiver, DEPOSIT / 8n);
    await provider.channels.claim(sign(fundOpen.config, SPENT));
    const renewed = await passes.renew(id);
    const upgraded = await passes.upgrade(id, dear.tierId, PLENTY);
    const cancelled = await passes.cancel(id);
    await due(fundOpen.config);
    const reclaimed = await passes.reclaim(id, 0);
    const settled = await passes.settle(id);
    const withdrawn = await passes.withdraw();
    if (round === 1) {
      return {
        createTier: Number(dear.gasUsed),
        passBuy: Number(bought.gasUsed),
        passFundOpen: Number(fundOpen.gasUsed),
        passFundTopUp: Number(fundTopUp.gasUsed),
        passRenew: Number(renewed.gasUsed),
        passUpgrade: Number(upgraded.gasUsed),
        passCancelOneChannel: Number(cancelled.gasUsed),
        passReclaim: Number(reclaimed.gasUsed),
        passSettle: Number(settled.gasUsed),
        passWithdraw: Number(withdrawn.gasUsed),
      };
    }
  }
}
