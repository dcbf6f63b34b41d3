import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Anvil,
  type Chain,
  createChain,
  createSigner,
  type Deployment,
  deployContracts,
  recoverAddress,
  startAnvil,
} from "@depinfer/chain";
import { DepinferError, type Hex, PASS_USE_TYPES, passUseDigest, passUseDomain } from "@depinfer/protocol";
import { WALLET_METHODS } from "@depinfer/protocol/api";
import { anything, array, assert, asyncProperty, constantFrom, jsonValue, oneof, record } from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rpcErrorOf, WalletRpcError } from "./rpc-error.ts";
import { createTestWallet, type TestWallet } from "./test-wallet.ts";

const home = mkdtempSync(join(tmpdir(), "depinfer-wallet-"));
let anvil: Anvil;
let deployment: Deployment;
let chain: Chain;
let wallet: TestWallet;
let own: Hex;
const stranger: Hex = `0x${"11".repeat(20)}`;

beforeAll(async () => {
  anvil = await startAnvil({ home });
  const { rpcUrl } = anvil;
  deployment = await deployContracts({ rpcUrl, account: createSigner(anvil.key(0)) }, { minWithdrawDelay: 1 });
  const account = createSigner(anvil.key(3));
  own = account.address;
  chain = createChain({ rpcUrl, deployment, account: createSigner(anvil.key(0)) });
  await chain.usd.mint(own, 1_000n);
  wallet = createTestWallet({ rpcUrl, deployment, account, log: () => undefined });
});
afterAll(async () => {
  await anvil?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** `transfer(to, amount)` of an ERC-20 token. */
const transfer = (to: Hex, amount: bigint) =>
  `0xa9059cbb${to.slice(2).padStart(64, "0")}${amount.toString(16).padStart(64, "0")}`;
const code = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => rpcErrorOf(error).code,
  );

describe("the test wallet", () => {
  test("says who and where it is", async () => {
    expect(await wallet.request("eth_requestAccounts", [])).toEqual([own]);
    expect(await wallet.request("eth_accounts", undefined)).toEqual([own]);
    expect(await wallet.request("eth_chainId", undefined)).toBe("0x7a69");
    expect(BigInt(String(await wallet.request("eth_getBalance", [own, "latest"])))).toBeGreaterThan(0n);
  });

  test("sends what concerns the contracts, and its receipt can be had", async () => {
    const hash = await wallet.request("eth_sendTransaction", [
      { from: own, to: deployment.addresses.testUsd, data: transfer(stranger, 400n), value: "0x0", chainId: "0x7a69" },
    ]);
    expect(await wallet.request("eth_getTransactionReceipt", [hash])).toMatchObject({ status: "0x1" });
    expect(await chain.usd.balanceOf(stranger)).toBe(400n);
    expect(await chain.usd.balanceOf(own)).toBe(600n);
  });

  test("sends nothing else, and moves nothing then", async () => {
    const { testUsd } = deployment.addresses;
    const data = transfer(stranger, 1n);
    const before = await chain.gasBalance(own);
    for (const [asked, expected] of [
      [{ to: stranger, value: "0x1" }, -32602],
      [{ to: stranger, data }, -32602],
      [{ data: "0x6001" }, -32602],
      [{ to: testUsd, data, value: "0x1" }, -32602],
      [{ to: testUsd, data, chainId: "0x1" }, -32602],
      [{ from: stranger, to: testUsd, data }, 4100],
      [{ to: testUsd, data: "0xnothing" }, -32602],
      [{ to: testUsd, data: transfer(stranger, 10_000n) }, 3],
    ] as const) {
      expect(await code(wallet.request("eth_sendTransaction", [asked]))).toBe(expected);
    }
    for (const method of [
      "eth_sign",
      "personal_sign",
      "eth_sendRawTransaction",
      "anvil_setBalance",
      "wallet_addEthereumChain",
    ]) {
      expect(await code(wallet.request(method, [own, "0x"]))).toBe(4200);
    }
    expect(await chain.gasBalance(own)).toBe(before);
    expect(await chain.usd.balanceOf(own)).toBe(600n);
  });

  test("signs typed data of the network's contracts, as any wallet would", async () => {
    const binding = { chainId: deployment.chainId, verifyingContract: deployment.addresses.passes };
    const message = { pass: 7n, keyHash: `0x${"ab".repeat(32)}`, operator: stranger } as const;
    const typed = {
      domain: passUseDomain(binding),
      types: PASS_USE_TYPES,
      primaryType: "UsePass",
      message: { ...message, pass: "7" },
    };
    const digest = passUseDigest(message, binding);
    for (const given of [typed, JSON.stringify(typed)]) {
      const signature = await wallet.request("eth_signTypedData_v4", [own, given]);
      expect(recoverAddress(digest, `0x${String(signature).slice(2)}`)).toBe(own);
    }
    const elsewhere = { ...typed, domain: { ...typed.domain, verifyingContract: stranger } };
    const otherChain = { ...typed, domain: { ...typed.domain, chainId: 1 } };
    for (const wrong of [
      elsewhere,
      otherChain,
      { ...typed, primaryType: "Nothing" },
      { ...typed, message: {} },
      "{",
      5,
    ]) {
      expect(await code(wallet.request("eth_signTypedData_v4", [own, wrong]))).toBe(-32602);
    }
    expect(await code(wallet.request("eth_signTypedData_v4", [stranger, typed]))).toBe(4100);
  });

  test("passes a contract's refusal on as the chain says it", async () => {
    const call = { from: own, to: deployment.addresses.testUsd, data: transfer(stranger, 10_000n) };
    const refused = await wallet.request("eth_call", [call, "latest"]).catch((error: unknown) => rpcErrorOf(error));
    expect(refused).toMatchObject({ code: 3, data: expect.stringMatching(/^0x/) });
  });

  test("answers any request by a result or an error of its own", async () => {
    const before = await chain.usd.balanceOf(own);
    const asked = record({
      from: constantFrom(own, stranger),
      to: oneof(constantFrom(...Object.values(deployment.addresses), stranger), anything()),
      data: oneof(constantFrom(transfer(stranger, 2_000n), "0x"), jsonValue()),
    });
    await assert(
      asyncProperty(
        constantFrom(...WALLET_METHODS, "eth_sign"),
        oneof(array(oneof(jsonValue(), asked)), jsonValue(), constantFrom(undefined)),
        async (method, params) => {
          try {
            await wallet.request(method, params);
          } catch (error) {
            expect(error instanceof WalletRpcError || error instanceof DepinferError).toBe(true);
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(await chain.usd.balanceOf(own)).toBe(before);
  });
});
