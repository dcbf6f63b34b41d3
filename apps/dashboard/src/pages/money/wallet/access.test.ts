import { toHex } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { createChainAccess } from "./access.ts";
import { contractRefusal, passUseMessage, read, write } from "./contracts.ts";
import { walletError } from "./errors.ts";

const ALICE = `0x${"a1".repeat(20)}` as const;
const PASSES = `0x${"0c".repeat(20)}` as const;
const HASH = `0x${"77".repeat(32)}` as const;
const word = (value: bigint) => value.toString(16).padStart(64, "0");

/** Access to a wallet that answers each method from a list, the last one for ever. */
function accessOf(answers: Readonly<Record<string, readonly unknown[]>>) {
  const asked: string[] = [];
  const slept: number[] = [];
  const access = createChainAccess(
    { account: ALICE, chainId: 7 },
    {
      refusal: contractRefusal,
      sleep: async (milliseconds) => void slept.push(milliseconds),
      session: {
        async ask(_from, method) {
          const list = answers[method] ?? [];
          const answer = list[Math.min(asked.filter((one) => one === method).length, list.length - 1)];
          asked.push(method);
          if (answer instanceof Error) {
            throw answer;
          }
          return answer;
        },
      },
    },
  );
  return { access, asked, slept };
}

test("what a contract answers is decoded, and what is no contract is said so", async () => {
  const { access } = accessOf({ eth_call: [`0x${word(1_999_000n)}`, "0x", "nonsense"] });
  expect(await access.read(PASSES, read.refundable(1n))).toBe(1_999_000n);
  await expect(access.read(PASSES, read.refundable(1n))).rejects.toMatchObject({ code: "wallet.noContract" });
  await expect(access.read(PASSES, read.refundable(1n))).rejects.toMatchObject({ code: "wallet.failed" });
});

test("a transaction is waited for until it is in a block", async () => {
  const mined = { status: "0x1", gasUsed: "0x5208", logs: [] };
  const { access, slept } = accessOf({ eth_getTransactionReceipt: [null, null, mined] });
  expect(await access.wait(HASH)).toEqual({ hash: HASH, gasUsed: 21_000n, logs: [] });
  expect(slept).toHaveLength(2);
});

test("one that failed in its block, and one that is in none, are told apart", async () => {
  const failed = accessOf({ eth_getTransactionReceipt: [{ status: "0x0", gasUsed: "0x1", logs: [] }] });
  await expect(failed.access.wait(HASH)).rejects.toMatchObject({ code: "wallet.reverted" });
  const never = accessOf({ eth_getTransactionReceipt: [null] });
  await expect(never.access.wait(HASH)).rejects.toMatchObject({
    code: "wallet.pendingTooLong",
    metadata: { hash: HASH },
  });
});

test("the contract's own reason stands where a wallet hides it in its error", async () => {
  // PriceAbove(uint256,uint256)
  const data = `0x1285fc21${word(3n)}${word(2n)}` as const;
  for (const hidden of [data, { data }, { originalError: { data } }, `Reverted ${data}`]) {
    const { access } = accessOf({
      eth_estimateGas: [walletError({ code: 3, message: "execution reverted", data: hidden }, "eth_estimateGas")],
    });
    await expect(access.estimate({ to: PASSES, data: "0x" })).rejects.toMatchObject({
      code: "wallet.reverted",
      metadata: { said: "PriceAbove(3, 2)" },
    });
  }
});

test("a wallet without a price of gas still says how much gas", async () => {
  const refusal = walletError({ code: 4200, message: "no" }, "eth_gasPrice");
  const { access } = accessOf({ eth_estimateGas: ["0x5208"], eth_gasPrice: [refusal] });
  expect(await access.estimate({ to: PASSES, data: write.cancel(1n) })).toEqual({ gas: 21_000n, price: null });
});

test("the message of a holder is what the gateway checks", () => {
  const message: unknown = JSON.parse(
    passUseMessage(12n, {
      operator: ALICE,
      signer: ALICE,
      keyHash: toHex(new Uint8Array(32)),
      chainId: 7,
      contract: PASSES,
    }),
  );
  expect(message).toMatchObject({
    domain: { name: "Depinfer", version: "1", chainId: 7, verifyingContract: PASSES },
    primaryType: "UsePass",
    message: { pass: "12", operator: ALICE },
  });
});
