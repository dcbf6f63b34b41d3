import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Anvil, createChain, createSigner, deployContracts, type Signer, startAnvil } from "@depinfer/chain";
import { type ChannelConfig, channelId, DepinferError, type Hex, voucherDigest } from "@depinfer/protocol";
import { array, assert, asyncProperty, bigInt, constantFrom, nat, record } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emptyEscrow, escrowCalls, ModelRevert, totalOf } from "./escrow-model.ts";

/* The model of the contract against the contract: the same calls must have the same outcomes. */

const home = mkdtempSync(join(tmpdir(), "escrow-model-"));
const MIN_DELAY = 60;
let anvil: Anvil;
let chain: ReturnType<typeof createChain>;
let deployer: Signer;
let deployment: Awaited<ReturnType<typeof deployContracts>>;

beforeAll(async () => {
  anvil = await startAnvil({ home });
  deployer = createSigner(anvil.key(0));
  deployment = await deployContracts({ rpcUrl: anvil.rpcUrl, account: deployer }, { minWithdrawDelay: MIN_DELAY });
  chain = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: deployer });
  for (const index of [1, 2, 3]) {
    const account = createSigner(anvil.key(index));
    const own = createChain({ rpcUrl: anvil.rpcUrl, deployment, account });
    await own.usd.mint(account.address, 50_000n);
    // The third may not be drawn on, so that this refusal is reached too.
    await own.usd.approve(chain.channels.address, index === 3 ? 0n : 40_000n);
  }
}, 60_000);

afterAll(async () => {
  await anvil?.stop();
  rmSync(home, { recursive: true, force: true });
});

async function control(method: string, ...params: readonly unknown[]): Promise<void> {
  await fetch(anvil.rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
}

const NOBODY: Hex = `0x${"0d".repeat(20)}`;

const CALLS = [
  "deposit",
  "withdraw",
  "open",
  "openFromBalance",
  "topUp",
  "topUpFromBalance",
  "claim",
  "claimBatch",
  "claimAndClose",
  "refund",
  "initiateWithdraw",
  "finalizeWithdraw",
  "withdrawEarned",
] as const;

const call = record({
  do: constantFrom(...CALLS, "open", "open", "claim", "topUp", "initiateWithdraw"),
  // Mostly the payer, so that most calls are allowed to it.
  who: constantFrom(0, 0, 0, 1, 2),
  salt: nat({ max: 1 }),
  amount: bigInt(0n, 900n),
  signer: constantFrom(0, 0, 0, 0, 1, 3),
  later: constantFrom(0, 0, 1, 70),
});

test("the model refuses and changes what the contract refuses and changes", async () => {
  let salts = 0;
  const reached = new Set<string>();
  await assert(
    asyncProperty(array(call, { minLength: 4, maxLength: 14 }), async (calls) => {
      salts += 1;
      const keys = [anvil.key(1), anvil.key(2), anvil.key(3)];
      const signers = keys.map((key) => createSigner(key));
      const chains = signers.map((account) => createChain({ rpcUrl: anvil.rpcUrl, deployment, account }));
      const [payer, receiver] = signers;
      const binding = { chainId: deployment.chainId, verifyingContract: chain.channels.address };
      const token = deployment.addresses.testUsd;
      const state = emptyEscrow();
      const rules = {
        idOf: (config: ChannelConfig) => channelId(config, binding),
        token,
        minDelay: MIN_DELAY,
        maxDelay: 2_592_000,
      };
      const model = escrowCalls(state, rules);
      for (const { address } of signers) {
        state.tokens.set(address, await chain.usd.balanceOf(address));
        state.free.set(address, await chain.channels.freeBalance(address));
        state.earned.set(address, await chain.channels.earned(address));
        state.allowances.set(address, await chain.usd.allowance(address, chain.channels.address));
      }
      const before = totalOf(state);
      const configOf = (salt: number): ChannelConfig => ({
        payer: payer?.address ?? "0x",
        payerAuthorizer: payer?.address ?? "0x",
        receiver: receiver?.address ?? "0x",
        receiverAuthorizer: receiver?.address ?? "0x",
        token,
        withdrawDelay: MIN_DELAY,
        salt: `0x${(salts * 2 + salt).toString(16).padStart(64, "0")}`,
      });
      for (const { do: what, who, salt, amount, signer, later } of calls) {
        if (later > 0) {
          await control("evm_increaseTime", later);
        }
        const [own, account] = [chains[who], signers[who]?.address];
        if (own === undefined || account === undefined) {
          throw new Error("there are three accounts");
        }
        const config = configOf(salt);
        // The last one signs for another chain.
        const key = signers[signer] ?? payer;
        const domain = signer === 3 ? { ...binding, chainId: 1 } : binding;
        const id = rules.idOf(config);
        const voucher = {
          config,
          maxClaimableAmount: amount,
          signature: (key ?? deployer).sign(voucherDigest(id, amount, domain)),
        };
        const claim = { config, maxClaimableAmount: amount, signer: signer === 3 ? NOBODY : (key?.address ?? NOBODY) };
        const real = await outcome(() => {
          switch (what) {
            case "deposit":
              return own.channels.deposit(amount);
            case "withdraw":
              return own.channels.withdraw(amount);
            case "withdrawEarned":
              return own.channels.withdrawEarned();
            case "claim":
            case "claimAndClose":
              return own.channels[what](voucher);
            case "claimBatch":
              return own.channels.claimBatch([voucher, voucher]);
            case "initiateWithdraw":
            case "finalizeWithdraw":
              return own.channels[what](config);
            default:
              return own.channels[what](config, amount);
          }
        });
        const now = await chain.blockTime();
        const modelled = await outcome(async () => {
          switch (what) {
            case "deposit":
              return model.deposit(account, account, amount);
            case "withdraw":
              return model.withdraw(account, amount, account);
            case "withdrawEarned":
              return model.withdrawEarned(account, account);
            case "claim":
              return model.claim(claim);
            case "claimBatch":
              return model.claimBatch([claim, claim]);
            case "claimAndClose":
              return model.claimAndClose(account, claim);
            case "initiateWithdraw":
              return model.initiateWithdraw(account, config, now);
            case "finalizeWithdraw":
              return model.finalizeWithdraw(config, now);
            default:
              return model[what](account, config, amount);
          }
        });
        reached.add(`${what} ${modelled}`);
        expect(`${what} ${real}`).toBe(`${what} ${modelled}`);
        const [seen, known] = [await chain.channels.state(id), state.channels.get(id)];
        expect(seen).toEqual({
          status: known?.status ?? "none",
          deposit: known?.deposit ?? 0n,
          settled: known?.settled ?? 0n,
          withdrawAt: known === undefined || known.withdrawAt === 0 ? undefined : known.withdrawAt,
        });
      }
      for (const { address } of signers) {
        expect(await chain.usd.balanceOf(address)).toBe(state.tokens.get(address));
        expect(await chain.channels.freeBalance(address)).toBe(state.free.get(address));
        expect(await chain.channels.earned(address)).toBe(state.earned.get(address));
      }
      expect(totalOf(state)).toBe(before);
    }),
    { numRuns: 60, seed: 5 },
  );
  // Random calls that are all refused would agree as well.
  expect([...reached].filter((one) => one.endsWith(" done")).length).toBeGreaterThan(8);
  expect([...reached].filter((one) => !one.endsWith(" done")).length).toBeGreaterThan(9);
}, 120_000);

async function outcome(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
    return "done";
  } catch (error) {
    if (error instanceof ModelRevert) {
      return error.errorName;
    }
    const name = error instanceof DepinferError ? error.metadata?.errorName : undefined;
    if (typeof name === "string") {
      return name;
    }
    throw error;
  }
}
