import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { type ChannelConfig, type Hex, voucherDigest } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "./anvil.ts";
import { type Chain, createChain } from "./chain.ts";
import type { Voucher } from "./channels.ts";
import { deployContracts } from "./deploy.ts";
import { type Deployment, parseDeployment } from "./deployment.ts";
import { createSigner } from "./signer.ts";
import { eligibleMembers } from "./validators.ts";

const DOLLAR = 1_000_000n;

describe("a deployment on a real chain", () => {
  let home: string;
  let anvil: Anvil;
  let deployment: Deployment;
  let buyer: Chain;
  let provider: Chain;
  let validator: Chain;
  let salts = 0;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "depinfer-chain-"));
    anvil = await startAnvil({ home, blockTimeSeconds: 1 });
    const { rpcUrl } = anvil;
    deployment = await deployContracts({ rpcUrl, account: createSigner(anvil.key(0)) }, { minWithdrawDelay: 1 });
    const as = (index: number) => createChain({ rpcUrl, deployment, account: createSigner(anvil.key(index)) });
    buyer = as(1);
    provider = as(2);
    validator = as(3);
    for (const chain of [buyer, provider, validator]) {
      await chain.usd.mint(self(chain), 1_000n * DOLLAR);
      await chain.usd.approve(deployment.addresses.channels, 1_000n * DOLLAR);
      await chain.usd.approve(deployment.addresses.stakeVault, 1_000n * DOLLAR);
    }
  });

  afterAll(async () => {
    await anvil?.stop();
    await rm(home, { recursive: true, force: true });
  });

  function newConfig(overrides: Partial<ChannelConfig> = {}): ChannelConfig {
    salts++;
    return {
      payer: self(buyer),
      payerAuthorizer: self(buyer),
      receiver: self(provider),
      receiverAuthorizer: self(provider),
      token: deployment.addresses.testUsd,
      withdrawDelay: 1,
      salt: `0x${salts.toString(16).padStart(64, "0")}`,
      ...overrides,
    };
  }

  function sign(config: ChannelConfig, maxClaimableAmount: bigint, key = anvil.key(1)): Voucher {
    const binding = { chainId: deployment.chainId, verifyingContract: deployment.addresses.channels };
    const digest = voucherDigest(buyer.channels.idOf(config), maxClaimableAmount, binding);
    return { config, maxClaimableAmount, signature: createSigner(key).sign(digest) };
  }

  it("pays a provider through a channel, from deposit to withdrawal", async () => {
    const config = newConfig();
    await buyer.channels.deposit(10n * DOLLAR);
    const free = await buyer.channels.freeBalance(self(buyer));
    await buyer.channels.openFromBalance(config, 4n * DOLLAR);
    expect(await buyer.channels.freeBalance(self(buyer))).toBe(free - 4n * DOLLAR);
    const id = buyer.channels.idOf(config);
    expect(await buyer.channels.state(id)).toEqual({
      status: "open",
      deposit: 4n * DOLLAR,
      settled: 0n,
      withdrawAt: undefined,
    });
    await provider.channels.claim(sign(config, DOLLAR));
    expect(await provider.channels.earned(self(provider))).toBe(DOLLAR);
    await provider.channels.claimAndClose(sign(config, 3n * DOLLAR));
    expect(await buyer.channels.state(id)).toMatchObject({ status: "closed", settled: 3n * DOLLAR });
    expect(await buyer.channels.freeBalance(self(buyer))).toBe(free - 3n * DOLLAR);
    const before = await provider.usd.balanceOf(self(provider));
    await provider.channels.withdrawEarned();
    expect(await provider.usd.balanceOf(self(provider))).toBe(before + 3n * DOLLAR);
  });

  it("claims the good vouchers of a batch and says why it left the others out", async () => {
    const [good, unsigned, tooMuch, never] = [newConfig(), newConfig(), newConfig(), newConfig()];
    for (const config of [good, unsigned, tooMuch]) {
      await buyer.channels.open(config, DOLLAR);
    }
    const result = await provider.channels.claimBatch([
      sign(unsigned, 5n, anvil.key(4)),
      sign(tooMuch, 2n * DOLLAR),
      sign(never, 1n),
      sign(good, 7n),
      sign(good, 7n),
    ]);
    expect(result.claimed).toEqual([{ channelId: buyer.channels.idOf(good), settled: 7n, amount: 7n }]);
    expect(result.skipped.map(({ index, reason }) => [index, reason])).toEqual([
      [0, "badSignature"],
      [1, "aboveDeposit"],
      [2, "notOpen"],
      [4, "notAboveSettled"],
    ]);
  });

  it("lets a payer leave alone after the delay", async () => {
    const config = newConfig();
    await buyer.channels.open(config, DOLLAR);
    await buyer.channels.initiateWithdraw(config);
    expect((await buyer.channels.state(buyer.channels.idOf(config))).withdrawAt).toBeTypeOf("number");
    await expect
      .poll(() => buyer.blockTime(), { timeout: 10_000 })
      .toBeGreaterThanOrEqual(
        (await buyer.channels.state(buyer.channels.idOf(config))).withdrawAt ?? Number.POSITIVE_INFINITY,
      );
    const free = await buyer.channels.freeBalance(self(buyer));
    await validator.channels.finalizeWithdraw(config);
    expect(await buyer.channels.freeBalance(self(buyer))).toBe(free + DOLLAR);
    await buyer.channels.withdraw(DOLLAR);
  });

  it("names the contract's error, its arguments and a remedy", async () => {
    const config = newConfig();
    await buyer.channels.open(config, 5n);
    await expect(buyer.channels.open(config, 5n)).rejects.toMatchObject({
      code: "chain.reverted",
      errorName: "ChannelExists",
      errorArgs: [buyer.channels.idOf(config), "1"],
      remedy: "Choose another salt: a channel id is never used twice",
    });
    await expect(provider.channels.claim(sign(config, 6n))).rejects.toMatchObject({ errorName: "AboveDeposit" });
    await expect(provider.usd.mint(self(provider), 10n ** 18n)).rejects.toMatchObject({ errorName: "MintAboveCap" });
    await expect(provider.usd.transfer(self(buyer), 10n ** 18n)).rejects.toMatchObject({
      errorName: "InsufficientBalance",
    });
    await expect(provider.channels.deposit(10n ** 13n)).rejects.toMatchObject({ errorName: "TransferFromFailed" });
  });

  it("registers operators and finds them by account, by receipt key and in the list", async () => {
    const receiptKey = createSigner(anvil.key(5)).address;
    const entry = { role: "provider", receiptKey, peerId: "0x0024080112", endpointHint: "/ip4/127.0.0.1" } as const;
    await provider.registry.register(entry);
    const classId: Hex = `0x${"ab".repeat(32)}`;
    await provider.registry.setClasses([classId]);
    const expected = { ...entry, operator: self(provider), classIds: [classId] };
    expect(await buyer.registry.byOperator(self(provider))).toMatchObject(expected);
    expect(await buyer.registry.byReceiptKey(receiptKey)).toMatchObject(expected);
    expect(await buyer.registry.list()).toMatchObject([expected]);
    expect(await buyer.registry.byOperator(self(buyer))).toBeUndefined();
    await expect(
      validator.registry.register({ role: "validator", receiptKey, peerId: "0x0024080113" }),
    ).rejects.toMatchObject({ errorName: "ReceiptKeyTaken" });
  });

  it("posts an epoch, draws its beacon and takes a validator's verdict", async () => {
    const digest: Hex = `0x${"cd".repeat(32)}`;
    await validator.registry.register({
      role: "validator",
      receiptKey: createSigner(anvil.key(6)).address,
      peerId: "0x0024080114",
    });
    expect(await buyer.receipts.lastEpoch(self(provider))).toBe(0);
    await provider.receipts.postRoot({ epoch: 1, root: digest, count: 1, totalCost: 12n });
    expect(await buyer.receipts.lastEpoch(self(provider))).toBe(1);
    const epoch = await buyer.receipts.epoch(self(provider), 1);
    expect(epoch).toMatchObject({ root: digest, count: 1, totalCost: 12n, beacon: undefined });
    expect(await buyer.receipts.epoch(self(provider), 2)).toBeUndefined();
    await expect.poll(() => buyer.blockNumber(), { timeout: 10_000 }).toBeGreaterThan(epoch?.targetBlock ?? 10n ** 9n);
    const { beacon } = await buyer.receipts.drawBeacon(self(provider), 1);
    expect(beacon).toMatch(/^0x[0-9a-f]{64}$/);
    expect(await buyer.receipts.beacon(self(provider), 1)).toBe(beacon);

    const membership = { sealingKey: digest, classIds: [digest] };
    const attestation = {
      provider: self(provider),
      epoch: 1,
      receiptDigest: digest,
      proof: [],
      classId: digest,
      verdict: "pass",
      tokens: 64,
      mismatches: 1,
      marginMicros: 12n,
      evidenceHash: digest,
    } as const;
    await expect(validator.receipts.attest(attestation)).rejects.toMatchObject({ errorName: "NotActiveValidator" });
    await expect(validator.validators.join(membership)).rejects.toMatchObject({ errorName: "StakeTooLow" });
    await validator.stake.bond({ slots: 1, amount: 10n * DOLLAR });
    expect(await buyer.stake.of(self(validator))).toEqual({
      amount: 10n * DOLLAR,
      active: 10n * DOLLAR,
      slots: 1,
      coveredSlots: 1,
      unbonding: 0n,
      unbondingAt: undefined,
      locks: 0,
    });
    await validator.validators.join(membership);
    await validator.receipts.attest(attestation);
    expect(await buyer.receipts.verdictOf(self(validator), self(provider), digest)).toBe("pass");
  });

  it("knows its validators now and at any earlier block", async () => {
    const classId: Hex = `0x${"cd".repeat(32)}`;
    const [joined] = await buyer.validators.list();
    expect(joined).toMatchObject({ validator: self(validator), classIds: [classId], leavingBlock: undefined });
    const since = joined?.joinedBlock ?? 0n;
    expect(await buyer.validators.before(since)).toEqual([]);
    expect(await buyer.validators.before(since + 1n)).toEqual([joined]);
    expect(await buyer.validators.isActive(self(validator))).toBe(true);

    const other: Hex = `0x${"ce".repeat(32)}`;
    const changed = (await validator.validators.setClasses([other])).blockNumber;
    await validator.validators.setSealingKey(other);
    const left = (await validator.validators.leave()).blockNumber;
    const members = await buyer.validators.before(left + 1n);
    expect(members).toEqual(await buyer.validators.list());
    expect(members).toMatchObject([{ sealingKey: other, classIds: [other], joinedBlock: changed, leavingBlock: left }]);
    expect(eligibleMembers(members, other, left), "a draw of the block in which it asks to leave").toHaveLength(1);
    expect(eligibleMembers(members, other, left + 1n)).toEqual([]);
    expect(eligibleMembers(members, other, changed)).toEqual([]);
    expect(eligibleMembers(members, classId, left)).toEqual([]);
    await expect(buyer.validators.finalizeLeave(self(validator))).rejects.toMatchObject({ errorName: "LeaveTooEarly" });
    await expect(buyer.validators.evict(self(provider))).rejects.toMatchObject({ errorName: "NotMember" });
  });

  it("keeps the nonces of concurrent writes apart, also between two objects of one account", async () => {
    const twin = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: createSigner(anvil.key(1)) });
    const before = await buyer.usd.balanceOf(self(validator));
    const writes = Array.from({ length: 12 }, (_, i) => (i % 2 ? buyer : twin).usd.transfer(self(validator), 1n));
    const hashes = new Set((await Promise.all(writes)).map(({ hash }) => hash));
    expect(hashes.size).toBe(12);
    expect(await buyer.usd.balanceOf(self(validator))).toBe(before + 12n);
  });

  it("knows its own transactions and no others", async () => {
    const { hash, gasUsed, blockNumber } = await buyer.usd.transfer(self(provider), 1n);
    expect(gasUsed).toBeGreaterThan(21_000n);
    expect(blockNumber).toBeLessThanOrEqual(await buyer.blockNumber());
    expect(await buyer.transactionExists(hash)).toBe(true);
    expect(await buyer.transactionExists(`0x${"12".repeat(32)}`)).toBe(false);
  });

  it("deploys once: a second run returns the first deployment, through JSON as well", async () => {
    const saved = parseDeployment(JSON.parse(JSON.stringify(deployment)));
    const account = createSigner(anvil.key(0));
    expect(await deployContracts({ rpcUrl: anvil.rpcUrl, account }, { existing: saved })).toEqual(deployment);
    const elsewhere = { ...saved, addresses: { ...saved.addresses, channels: self(buyer) } };
    const fresh = await deployContracts({ rpcUrl: anvil.rpcUrl, account }, { existing: elsewhere });
    expect([deployment.addresses.channels, elsewhere.addresses.channels]).not.toContain(fresh.addresses.channels);
  });

  it("refuses to write without an account, and to serve another chain", async () => {
    const reader = createChain({ rpcUrl: anvil.rpcUrl, deployment });
    await expect(reader.usd.mint(self(buyer), 1n)).rejects.toMatchObject({ code: "chain.noAccount" });
    await expect(reader.channels.withdrawEarned()).rejects.toMatchObject({ code: "chain.noAccount" });
    await reader.check();
    const other = createChain({ rpcUrl: anvil.rpcUrl, deployment: { ...deployment, chainId: 5 } });
    await expect(other.check()).rejects.toMatchObject({ code: "chain.wrongChain" });
  });

  it("names the endpoint that does not answer, without its secrets", async () => {
    const away = createChain({ rpcUrl: "http://user:secret@127.0.0.1:9/key", deployment });
    await expect(away.blockNumber()).rejects.toMatchObject({
      code: "chain.unreachable",
      retryable: true,
      metadata: { rpcUrl: "http://127.0.0.1:9" },
    });
    const error: unknown = await away.blockNumber().catch((thrown: unknown) => thrown);
    expect(inspect(error, { depth: 9, showHidden: true }), "with all that a log would show").not.toMatch(
      /secret|\/key/,
    );
  });
});

function self(chain: Chain): Hex {
  if (chain.account === undefined) {
    throw new Error("a test chain has an account");
  }
  return chain.account;
}
