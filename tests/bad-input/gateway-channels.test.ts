import { placeX402StandIns } from "@depinfer/chain";
import { microUsd, type Offer } from "@depinfer/protocol";
import { decodePaymentResponseHeader } from "@x402/core/http";
import type { PaymentPayload } from "@x402/core/types";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  answer,
  type Behaviour,
  chatBody,
  offer as cheapOffer,
  fails,
  says,
  storedRequest,
  zero,
} from "../../services/gateway/src/test-gateway.ts";
import { type Payer, type Shop, startShop } from "./x402-shop.ts";

/* Whoever pays over a channel of x402: charged what answers cost, never more than was signed, whatever happens between. */

const offer: Offer = {
  ...cheapOffer,
  contextLength: 10_000,
  prices: {
    inputPerMillion: microUsd(1_000_000),
    cachedInputPerMillion: microUsd(1_000_000),
    outputPerMillion: microUsd(1_000_000),
  },
};
const FUNDS = 10_000_000n;

let shop: Shop;
beforeAll(async () => {
  shop = await startShop({}, placeX402StandIns);
});
afterAll(() => shop.stop());
beforeEach(() => {
  shop.running.standIn.reset();
  shop.running.standIn.offers = [offer];
});

const url = () => `http://127.0.0.1:${shop.running.gateway.port}/v1/chat/completions`;
const request = (extra: object = {}) => ({ method: "POST", body: chatBody({ max_tokens: 20, ...extra }) });
const bought = () => shop.running.standIn.asked.length;
const earned = () =>
  shop
    .seller()
    .income()
    .filter(({ scheme }) => scheme === "batch-settlement")
    .reduce((sum, { amount }) => sum + amount, 0n);
const costs =
  (cost: number): Behaviour =>
  async (...args) => ({ ...(await says("worth ", "it")(...args)), cost: microUsd(cost) });

async function ask(payer: Payer, extra: object = {}) {
  const response = await payer.fetch(url(), request(extra));
  const text = await response.text();
  const paid = response.headers.get("payment-response");
  return { status: response.status, text, paid: paid === null ? null : decodePaymentResponseHeader(paid) };
}

async function signed(
  payer: Payer,
  extra: object,
  change: (payload: PaymentPayload) => PaymentPayload = (same) => same,
  address = url(),
) {
  const refusal = await fetch(address, request(extra));
  const required = payer.http.getPaymentRequiredResponse((name) => refusal.headers.get(name));
  const payload = change(await payer.http.createPaymentPayload(required));
  return { payload, request: { ...request(extra), headers: payer.http.encodePaymentSignatureHeader(payload) } };
}

describe("a channel", () => {
  test("is opened by the first request, and each answer is charged what it cost", async () => {
    const payer = await shop.payer(FUNDS, "channel");
    const before = earned();
    shop.running.standIn.behave = costs(40);
    const first = await ask(payer);
    expect(first, first.text).toMatchObject({ status: 200, paid: { success: true } });
    const deposit = FUNDS - (await shop.balance(payer.address));
    expect(deposit).toBeGreaterThan(0n);
    shop.running.standIn.behave = costs(7);
    const second = await ask(payer);
    expect(second).toMatchObject({ status: 200, paid: { extra: { chargedAmount: "7" } } });
    expect(await shop.balance(payer.address)).toBe(FUNDS - deposit);
    expect(earned() - before).toBe(47n);
  });

  test("pays for streams that flow, and the client follows what they cost by itself", async () => {
    const payer = await shop.payer(FUNDS, "channel");
    const before = earned();
    for (const [index, cost] of [40, 7, 11, 3].entries()) {
      shop.running.standIn.behave = costs(cost);
      const reply = await ask(payer, { stream: true });
      expect(reply, reply.text).toMatchObject({ status: 200 });
      expect(reply.text).toContain("[DONE]");
      // The first is held back until its deposit is on the chain; the others say in a comment what they cost.
      expect(reply.text.includes(": payment-response "), String(index)).toBe(index > 0);
    }
    expect(earned() - before).toBe(61n);
    expect(bought()).toBe(4);
  });

  test("is claimed for what was charged and no more, also after a restart", async () => {
    const payer = await shop.payer(FUNDS, "channel");
    await shop.seller().claim();
    const [wallet, before] = [await shop.balance(shop.payTo), earned()];
    shop.running.standIn.behave = costs(40);
    await ask(payer);
    await ask(payer);
    await shop.running.restart();
    shop.running.standIn.behave = costs(2);
    expect(await ask(payer)).toMatchObject({ status: 200 });
    expect(await shop.seller().unclaimed()).toBe(82n);
    await shop.seller().claim();
    await shop.seller().claim();
    expect(await shop.seller().unclaimed()).toBe(0n);
    expect((await shop.balance(shop.payTo)) - wallet).toBe(82n);
    expect(earned() - before).toBe(82n);
  });

  test("gives back what is left when its client asks for it", async () => {
    const payer = await shop.payer(FUNDS, "channel");
    shop.running.standIn.behave = costs(40);
    await ask(payer);
    await payer.channels.refund(url());
    expect(await shop.balance(payer.address)).toBe(FUNDS - 40n);
    expect(bought()).toBe(1);
  });

  test("is not charged more than was signed, whatever an answer says it cost", async () => {
    const payer = await shop.payer(FUNDS, "channel");
    const before = earned();
    shop.running.standIn.behave = costs(9_999_999);
    await ask(payer);
    await ask(payer);
    const most = BigInt(chatBody({ max_tokens: 20 }).length + 256 + 20);
    expect(earned() - before).toBe(2n * most);
  });
});

describe("nothing is charged", () => {
  test.each([false, true])(
    "for answers that fail, before their first text or after it (stream: %s)",
    async (stream) => {
      const payer = await shop.payer(FUNDS, "channel");
      shop.running.standIn.behave = costs(5);
      await ask(payer);
      const before = earned();
      for (const after of [undefined, "half an ans"]) {
        shop.running.standIn.behave = fails("provider.silent", after === undefined ? {} : { after });
        const reply = await ask(payer, { stream });
        expect(reply.text).toContain("provider.silent");
        expect(reply.text).not.toContain("[DONE]");
      }
      expect(earned()).toBe(before);
      shop.running.standIn.behave = costs(5);
      expect(await ask(payer)).toMatchObject({ status: 200 });
      expect(earned() - before).toBe(5n);
    },
  );

  test("for a first request that fails, and its deposit is not taken", async () => {
    const payer = await shop.payer(FUNDS, "channel");
    shop.running.standIn.behave = fails("provider.silent");
    expect((await ask(payer)).status).toBe(502);
    expect(await shop.balance(payer.address)).toBe(FUNDS);
    shop.running.standIn.behave = costs(5);
    expect(await ask(payer)).toMatchObject({ status: 200 });
  });

  test.each<[string, (payload: PaymentPayload) => PaymentPayload]>([
    ["signed by nobody", (payload) => withVoucher(payload, { signature: `0x${"11".repeat(65)}` })],
    ["beyond the deposit", (payload) => withVoucher(payload, { maxClaimableAmount: "99999999" })],
    ["of less than the request may cost", (payload) => withVoucher(payload, { maxClaimableAmount: "1" })],
    ["of another channel", (payload) => withVoucher(payload, { channelId: zero })],
    ["of no channel", (payload) => withVoucher(payload, { channelId: "nonsense" })],
    ["of a number that is none", (payload) => withVoucher(payload, { maxClaimableAmount: "much" })],
    ["of an unknown kind", (payload) => ({ ...payload, payload: { ...payload.payload, type: "gift" } })],
    ["that is a refund", (payload) => ({ ...payload, payload: { ...payload.payload, type: "refund" } })],
    ["without a channel", (payload) => ({ ...payload, payload: { type: "voucher" } })],
  ])("for a voucher %s", async (_what, change) => {
    const payer = await shop.payer(FUNDS, "channel");
    shop.running.standIn.behave = costs(5);
    await ask(payer);
    const [before, asked] = [earned(), bought()];
    const response = await fetch(url(), (await signed(payer, {}, change)).request);
    expect(response.status, await response.text()).toBe(402);
    expect([earned(), bought()]).toEqual([before, asked]);
    expect(await ask(payer)).toMatchObject({ status: 200 });
  });

  test("for a voucher that is shown twice", async () => {
    const payer = await shop.payer(FUNDS, "channel");
    shop.running.standIn.behave = costs(5);
    await ask(payer);
    const before = earned();
    const { request: shown } = await signed(payer, {});
    const statuses = [await fetch(url(), shown), await fetch(url(), shown)].map(({ status }) => status);
    expect(statuses).toEqual([200, 402]);
    expect(earned() - before).toBe(5n);
  });

  test("for the second of two requests that show one voucher at once", async () => {
    const payer = await shop.payer(FUNDS, "channel");
    shop.running.standIn.behave = costs(5);
    await ask(payer);
    const [before, asked] = [earned(), bought()];
    const { request: shown } = await signed(payer, {});
    const finish = Promise.withResolvers<void>();
    shop.running.standIn.behave = async (...args) => {
      await finish.promise;
      return costs(5)(...args);
    };
    const both = [fetch(url(), shown), fetch(url(), shown)];
    expect((await Promise.race(both)).status).toBe(402);
    finish.resolve();
    expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([200, 402]);
    expect([earned() - before, bought() - asked]).toEqual([5n, 1]);
  });
});

test("deposits into several channels are not promised from one balance at once", async () => {
  const payer = await shop.payer(6_000n, "channel");
  const finish = Promise.withResolvers<void>();
  shop.running.standIn.behave = async (...args) => {
    await finish.promise;
    return costs(5)(...args);
  };
  const replies = ["11", "22", "33"].map(
    async (salt) => (await payer.channel(`0x${salt.repeat(32)}`)(url(), request())).status,
  );
  expect(await Promise.race(replies)).toBe(402);
  finish.resolve();
  expect((await Promise.all(replies)).sort()).toEqual([200, 402, 402]);
  expect(bought()).toBe(1);
});

test("a channel that its payer is closing pays for nothing more, and is claimed before the money is gone", async () => {
  const hasty = await startShop({ channelStateMs: 0 }, placeX402StandIns);
  try {
    hasty.running.standIn.offers = [offer];
    hasty.running.standIn.behave = costs(40);
    const payer = await hasty.payer(FUNDS, "channel");
    const address = `http://127.0.0.1:${hasty.running.gateway.port}/v1/chat/completions`;
    const first = await signed(payer, {}, (same) => same, address);
    expect((await fetch(address, first.request)).status).toBe(200);
    const config = Object(first.payload.payload.channelConfig);
    await hasty.anvil.fund(payer.address);
    await payer.account.writeContract({
      address: "0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003",
      abi: INITIATE_WITHDRAW,
      functionName: "initiateWithdraw",
      args: [config, 1_000n],
    });
    const wallet = await hasty.balance(hasty.payTo);
    const refused = await payer.fetch(address, request());
    expect(refused.status, await refused.text()).toBe(402);
    expect(hasty.running.standIn.asked).toHaveLength(1);
    await expect.poll(async () => (await hasty.balance(hasty.payTo)) - wallet, { timeout: 10_000 }).toBe(40n);
  } finally {
    await hasty.stop();
  }
});

const INITIATE_WITHDRAW = [
  {
    type: "function",
    name: "initiateWithdraw",
    stateMutability: "nonpayable",
    inputs: [
      {
        name: "config",
        type: "tuple",
        components: [
          { name: "payer", type: "address" },
          { name: "payerAuthorizer", type: "address" },
          { name: "receiver", type: "address" },
          { name: "receiverAuthorizer", type: "address" },
          { name: "token", type: "address" },
          { name: "withdrawDelay", type: "uint40" },
          { name: "salt", type: "bytes32" },
        ],
      },
      { name: "amount", type: "uint128" },
    ],
    outputs: [],
  },
];

test("a client that leaves a stream pays for what it was sent", async () => {
  const payer = await shop.payer(FUNDS, "channel");
  shop.running.standIn.behave = costs(5);
  await ask(payer);
  const before = earned();
  shop.running.standIn.stored = [storedRequest(zero, `x402:${payer.address}`, { cost: microUsd(9) })];
  shop.running.standIn.behave = async (given, handlers, signal) => {
    await says("some text")(given, handlers);
    await new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
    return fails("request.cancelled")(given, handlers);
  };
  const leaving = new AbortController();
  const response = await fetch(url(), { ...(await signed(payer, { stream: true })).request, signal: leaving.signal });
  await response.body?.getReader().read();
  leaving.abort();
  await expect.poll(() => earned() - before).toBe(9n);
  shop.running.standIn.behave = costs(5);
  expect(await ask(payer)).toMatchObject({ status: 200 });
  expect(answer.requestId).toBe(zero);
});

function withVoucher(payload: PaymentPayload, change: object): PaymentPayload {
  const { voucher, ...rest } = payload.payload;
  return { ...payload, payload: { ...rest, voucher: { ...Object(voucher), ...change } } };
}
