import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChannelConfig, voucherDigest } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "./anvil.ts";
import { type Chain, createChain } from "./chain.ts";
import type { Voucher } from "./channels.ts";
import { deployContracts } from "./deploy.ts";
import { createSigner } from "./signer.ts";

/*
 * What users pay, as receipts on a Cancun chain state it. Each figure is the usual case: the payer has a free balance
 * and the receiver has earned before, so that their slots are not zero (a slot that turns from zero costs 17,100 more),
 * and the token was approved for exactly what is deposited. Salts and amounts are full of non-zero bytes on purpose:
 * zero bytes are cheap.
 */
const GATES = {
  openFromBalance: 58_000n,
  openWithTransfer: 72_000n,
  settle: 44_000n,
  settleAndClose: 52_000n,
  batch100PerChannel: 16_500n,
  finalise: 50_000n,
};
const BATCH = 100;

describe("gas on a Cancun chain", () => {
  let home: string;
  let anvil: Anvil;
  let buyer: Chain;
  let provider: Chain;
  let salts = 0n;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "depinfer-gas-"));
    anvil = await startAnvil({ home, hardfork: "cancun", blockTimeSeconds: 1 });
    const { rpcUrl } = anvil;
    const deployment = await deployContracts({ rpcUrl, account: createSigner(anvil.key(0)) }, { minWithdrawDelay: 1 });
    buyer = createChain({ rpcUrl, deployment, account: createSigner(anvil.key(1)) });
    provider = createChain({ rpcUrl, deployment, account: createSigner(anvil.key(2)) });
    for (const owner of [createSigner(anvil.key(1)).address, createSigner(anvil.key(2)).address]) {
      await buyer.usd.mint(owner, 999_999_999_999n);
    }
    await buyer.usd.approve(deployment.addresses.channels, 123_456_789_012n);
    await buyer.channels.deposit(123_456_789_012n);
    await settleOne();
  });

  afterAll(async () => {
    await anvil?.stop();
    await rm(home, { recursive: true, force: true });
  });

  function newConfig(): ChannelConfig {
    salts++;
    const { address: payer } = createSigner(anvil.key(1));
    const { address: receiver } = createSigner(anvil.key(2));
    return {
      payer,
      payerAuthorizer: createSigner(anvil.key(3)).address,
      receiver,
      receiverAuthorizer: receiver,
      token: buyer.deployment.addresses.testUsd,
      withdrawDelay: 1,
      salt: `0x${(0xc3a5c85c97cb3127b492b66fbe98f273n * 0x9ae16a3b2f90404fc949d7c7509e6557n + salts).toString(16).padStart(64, "1")}`,
    };
  }

  function sign(config: ChannelConfig, maxClaimableAmount: bigint): Voucher {
    const { chainId, addresses } = buyer.deployment;
    const binding = { chainId, verifyingContract: addresses.channels };
    const digest = voucherDigest(buyer.channels.idOf(config), maxClaimableAmount, binding);
    return { config, maxClaimableAmount, signature: createSigner(anvil.key(3)).sign(digest) };
  }

  async function settleOne(): Promise<bigint> {
    const config = newConfig();
    await buyer.channels.openFromBalance(config, 12_345_678n);
    return (await provider.channels.claim(sign(config, 1_234_567n))).gasUsed;
  }

  it("stays within every gate", async () => {
    const measured: Record<keyof typeof GATES, bigint> = {
      openFromBalance: (await buyer.channels.openFromBalance(newConfig(), 12_345_678n)).gasUsed,
      openWithTransfer: await openWithTransfer(),
      settle: await settleOne(),
      settleAndClose: await settleAndClose(),
      batch100PerChannel: await batchPerChannel(),
      finalise: await finalise(),
    };
    const standingAllowance = await openWithTransfer(999_999_999_999n);
    console.log("gas", measured, { openWithStandingAllowance: standingAllowance });
    const figures = new Map(Object.entries(measured));
    for (const [name, gate] of Object.entries(GATES)) {
      expect.soft(figures.get(name), name).toBeLessThanOrEqual(gate);
    }
  });

  async function openWithTransfer(allowance = 12_345_678n): Promise<bigint> {
    await buyer.usd.approve(buyer.deployment.addresses.channels, allowance);
    return (await buyer.channels.open(newConfig(), 12_345_678n)).gasUsed;
  }

  async function settleAndClose(): Promise<bigint> {
    const config = newConfig();
    await buyer.channels.openFromBalance(config, 12_345_678n);
    return (await provider.channels.claimAndClose(sign(config, 1_234_567n))).gasUsed;
  }

  async function batchPerChannel(): Promise<bigint> {
    const configs = Array.from({ length: BATCH }, newConfig);
    for (const config of configs) {
      await buyer.channels.openFromBalance(config, 12_345_678n);
    }
    const vouchers = configs.map((config) => sign(config, 1_234_567n));
    return (await provider.channels.claimBatch(vouchers)).gasUsed / BigInt(BATCH);
  }

  async function finalise(): Promise<bigint> {
    const config = newConfig();
    await buyer.channels.openFromBalance(config, 12_345_678n);
    await buyer.channels.initiateWithdraw(config);
    const { withdrawAt = 0 } = await buyer.channels.state(buyer.channels.idOf(config));
    await expect.poll(() => buyer.blockTime(), { timeout: 10_000 }).toBeGreaterThanOrEqual(withdrawAt);
    return (await provider.channels.finalizeWithdraw(config)).gasUsed;
  }
});
