import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Hex, passShareLeaf, toHex, voucherDigest } from "@depinfer/protocol";
import { createTestClient, http } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "./anvil.ts";
import { type Chain, createChain } from "./chain.ts";
import { deployContracts } from "./deploy.ts";
import { createSigner } from "./signer.ts";

const PRICE = 20_000_000n;
const DOLLAR = 1_000_000n;
const HOUR = 3_600;
const SALT: Hex = `0x${"5a".repeat(32)}`;
const ALL_MODELS: Hex = `0x${"0".repeat(64)}`;

describe("passes, fees and deposits by signature on a real chain", () => {
  let home: string;
  let anvil: Anvil;
  let holder: Chain;
  let gateway: Chain;
  let provider: Chain;
  let tierId: bigint;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "depinfer-passes-"));
    anvil = await startAnvil({ home });
    const { rpcUrl } = anvil;
    const deployment = await deployContracts(
      { rpcUrl, account: createSigner(anvil.key(0)) },
      { minWithdrawDelay: 1, passTerms: { minPeriod: HOUR } },
    );
    const as = (index: number) => createChain({ rpcUrl, deployment, account: createSigner(anvil.key(index)) });
    [holder, gateway, provider] = [as(1), as(2), as(3)];
    for (const chain of [holder, gateway]) {
      await chain.usd.mint(self(chain), 1_000n * DOLLAR);
      await chain.usd.approve(deployment.addresses.passes, 1_000n * DOLLAR);
    }
    ({ tierId } = await gateway.passes.createTier({
      price: PRICE,
      periodSeconds: HOUR,
      quota: 10_000_000n,
      requestsPerMinute: 60,
      modelsHash: ALL_MODELS,
      metadata: "an hour",
    }));
  });
  afterAll(async () => {
    await anvil?.stop();
    await rm(home, { recursive: true, force: true });
  });

  const use = () => ({ operator: self(gateway), signer: createSigner(anvil.key(4)).address });

  async function wait(seconds: number): Promise<void> {
    const client = createTestClient({ mode: "anvil", transport: http(anvil.rpcUrl) });
    await client.increaseTime({ seconds });
    await client.mine({ blocks: 1 });
  }

  it("deposits what a payer signed, relayed by another, once", async () => {
    const { channels, usd } = holder;
    const nonce = channels.depositNonce(self(holder), DOLLAR, SALT);
    const validBefore = (await holder.blockTime()) + HOUR;
    const authorization = await usd.authorize({ to: channels.address, amount: DOLLAR, nonce, validBefore });
    expect(await usd.isAuthorizationUsed(self(holder), nonce)).toBe(false);
    await gateway.channels.depositWithAuthorization({ amount: DOLLAR, salt: SALT, authorization });
    expect(await channels.freeBalance(self(holder))).toBe(DOLLAR);
    expect(await usd.isAuthorizationUsed(self(holder), nonce)).toBe(true);
    await expect(
      gateway.channels.depositWithAuthorization({ amount: DOLLAR, salt: SALT, authorization }),
    ).rejects.toMatchObject({ errorName: "AuthorizationUsedOrCanceled", remedy: expect.stringContaining("new") });
    const deadline = BigInt(validBefore);
    await channels.depositWithPermit(DOLLAR, await usd.permit({ spender: channels.address, amount: DOLLAR, deadline }));
    expect(await channels.freeBalance(self(holder))).toBe(2n * DOLLAR);
  });

  it("lists tiers with their flat price, and passes by holder", async () => {
    const [tier] = await holder.passes.tiers();
    expect(tier).toEqual(await holder.passes.tier(tierId));
    expect(tier).toMatchObject({ issuer: self(gateway), metadata: "an hour", unitsPerMillion: 1_900_000n });
    expect(await holder.passes.tier(99n)).toBeUndefined();
    expect(await holder.passes.pass(99n)).toBeUndefined();
    const { passId } = await holder.passes.buy(tierId, { ...use(), maxPrice: PRICE });
    expect(await holder.passes.passesOf(self(holder))).toEqual([passId]);
    await holder.passes.transfer(passId, self(gateway));
    expect(await holder.passes.passesOf(self(holder))).toEqual([]);
    expect(await holder.passes.pass(passId)).toMatchObject({ holder: self(gateway), signer: `0x${"0".repeat(40)}` });
  });

  it("buys a pass by signature for whoever signed", async () => {
    const nonce = holder.passes.buyNonce(tierId, use(), SALT);
    const validBefore = (await holder.blockTime()) + HOUR;
    const authorization = await holder.usd.authorize({ to: holder.passes.address, amount: PRICE, nonce, validBefore });
    const purchase = { ...use(), holder: self(holder), salt: SALT, authorization };
    const { passId } = await gateway.passes.buyWithAuthorization(tierId, purchase);
    expect(await holder.passes.pass(passId)).toMatchObject({ holder: self(holder), paid: PRICE, status: "active" });
  });

  it("pays providers from a pass, refunds the time left, shares fee and surplus", async () => {
    const { passId } = await holder.passes.buy(tierId, { ...use(), maxPrice: PRICE });
    const { config, channelId } = await gateway.passes.fund(passId, self(provider), 10n * DOLLAR);
    expect(config).toMatchObject({ payer: holder.passes.address, receiver: self(provider) });
    expect(holder.channels.idOf(config)).toBe(channelId);
    const digest = voucherDigest(channelId, 4n * DOLLAR, {
      chainId: anvil.chainId,
      verifyingContract: holder.channels.address,
    });
    const signature = createSigner(anvil.key(4)).sign(digest);
    await provider.channels.claim({ config, maxClaimableAmount: 4n * DOLLAR, signature });
    expect(await provider.channels.earned(self(provider))).toBe(4n * DOLLAR);

    await wait(HOUR);
    expect(await holder.passes.pass(passId)).toMatchObject({ status: "expired", refundable: 0n });
    await provider.passes.expire(passId);
    await wait(2);
    await provider.passes.reclaim(passId, 0);
    const period = await provider.passes.periodOf(tierId);
    await provider.passes.settle(passId);
    expect(await holder.passes.pass(passId)).toMatchObject({ status: "settled", paid: 0n, channels: [] });
    expect(await holder.passes.surplus(tierId, period)).toMatchObject({ remaining: 15n * DOLLAR, root: undefined });

    await provider.passes.forward(provider.fees.address);
    const [payee] = await provider.fees.payees();
    expect(payee).toEqual({ payee: provider.insurance.address, basisPoints: 10_000 });
    await provider.fees.release(provider.insurance.address);
    expect(await provider.insurance.fund(), "the fee of 5 %").toBe(DOLLAR);

    await wait(HOUR);
    // A tree of one leaf is the leaf.
    const amount = 15n * DOLLAR;
    const root = toHex(passShareLeaf({ tierId, period, provider: self(provider), amount }));
    await gateway.passes.postRoot(tierId, period, root);
    const { objectionWindow } = await holder.passes.terms();
    await wait(objectionWindow);
    await provider.passes.claimShare(tierId, period, amount, []);
    expect(await provider.passes.withdrawable(self(provider))).toBe(amount);
    await provider.passes.withdraw();
    expect(await provider.usd.balanceOf(self(provider))).toBe(amount);
  });
});

function self(chain: Chain): Hex {
  if (chain.account === undefined) {
    throw new Error("a test chain has an account");
  }
  return chain.account;
}
