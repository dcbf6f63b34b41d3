import { DepinferError, type Hex } from "@depinfer/protocol";
import { expect, test } from "vitest";
import type { ContractRead } from "../wallet/contracts.ts";
import * as encoding from "../wallet/contracts.ts";
import { createFlow } from "./flow.ts";
import { buyPlan, noticeFault, refundPlan, type Trade } from "./plans.ts";

const ALICE = `0x${"a1".repeat(20)}` as const;
const PASSES = `0x${"0c".repeat(20)}` as const;
const USD = `0x${"0d".repeat(20)}` as const;
const USE = { operator: ALICE, signer: ALICE, keyHash: `0x${"00".repeat(32)}`, chainId: 7, contract: PASSES } as const;
const TIER = { id: 1n, price: 2_000_000n };
const word = (value: bigint) => value.toString(16).padStart(64, "0");

/** A chain that answers questions by their first bytes, and on which a purchase adds a pass. */
function tradeOf({
  balance = 5_000_000n,
  price = TIER.price,
}: {
  readonly balance?: bigint;
  readonly price?: bigint;
} = {}) {
  const sent: Hex[] = [];
  const passes: bigint[] = [];
  const losesAnswer = { next: false };
  const isCall = (data: Hex, like: Hex) => data.slice(0, 10) === like.slice(0, 10);
  const answer = (data: Hex): Hex => {
    if (isCall(data, encoding.read.balanceOf(ALICE).data)) {
      return `0x${word(balance)}`;
    }
    if (isCall(data, encoding.read.tier(1n).data)) {
      return `0x${word(BigInt(ALICE))}${word(price)}${word(60n)}${word(86_400n)}${word(10n)}${word(0n)}`;
    }
    if (isCall(data, encoding.read.passesOf(ALICE).data)) {
      return `0x${word(64n)}${word(BigInt(passes.length))}${word(BigInt(passes.length))}${passes.map(word).join("")}`;
    }
    return `0x${word(0n)}`;
  };
  const trade: Trade = {
    contracts: { testUsd: USD, passes: PASSES },
    encoding,
    gateway: { api: "gateway", url: "http://127.0.0.1:9" },
    access: {
      account: ALICE,
      chainId: 7,
      read: async <Answer>(_to: Hex, { data, decode }: ContractRead<Answer>) => decode(answer(data)),
      estimate: async () => ({ gas: 1n, price: null }),
      async send({ data }) {
        sent.push(data);
        if (isCall(data, encoding.write.buy(1n, USE, 1n))) {
          passes.push(BigInt(passes.length + 1));
        }
        if (losesAnswer.next) {
          losesAnswer.next = false;
          throw new DepinferError({ code: "api.unreachable", message: "", remedy: "", retryable: true });
        }
        return `0x${word(BigInt(sent.length))}`;
      },
      wait: async (hash) => ({ hash, gasUsed: 1n, logs: [] }),
      sign: async () => "0x00",
    },
  };
  return { trade, sent, losesAnswer };
}

test("nothing is approved where the money is not there, or the price is another one", async () => {
  for (const [setting, code] of [
    [{ balance: 1_999_999n }, "wallet.noFunds"],
    [{ price: 2_000_001n }, "pass.priceDiffers"],
  ] as const) {
    const { trade, sent } = tradeOf(setting);
    const flow = createFlow(trade.access, buyPlan(trade, TIER, USE));
    await flow.run();
    expect(flow.states()[0]?.fault?.code).toBe(code);
    expect(sent).toEqual([]);
  }
});

test("a purchase whose answer got lost is found again and not paid twice", async () => {
  const { trade, sent, losesAnswer } = tradeOf();
  const [approve, buy] = buyPlan(trade, TIER, USE);
  const flow = createFlow(
    trade.access,
    [approve, buy].filter((step) => step !== undefined),
  );
  await flow.run();
  expect(sent).toHaveLength(2);

  const again = createFlow(trade.access, buyPlan(trade, TIER, USE).slice(1, 2));
  losesAnswer.next = true;
  await again.run();
  expect(again.states()[0]).toMatchObject({ status: "failed", fault: { code: "api.unreachable" } });
  await again.run();
  expect(again.states()[0]).toMatchObject({ status: "done", note: "Pass 2 is yours" });
  expect(sent).toHaveLength(3);
});

test("a channel whose notice runs is told with its time, and others keep their own words", async () => {
  const refused = new Error(`The contract refused: WithdrawTooEarly(0x${"ab".repeat(32)}, 1795407523)`);
  expect(noticeFault(refused)).toMatchObject({ code: "pass.noticeRunning", metadata: { until: 1_795_407_523 } });
  expect(noticeFault(new Error("Reverted"))).toBeNull();
  const { trade } = tradeOf();
  const failing = { ...trade, access: { ...trade.access, send: () => Promise.reject(refused) } };
  const flow = createFlow(failing.access, refundPlan(failing, 1n, 1));
  await flow.run();
  expect(flow.states()[0]?.fault?.code).toBe("pass.noticeRunning");
});
