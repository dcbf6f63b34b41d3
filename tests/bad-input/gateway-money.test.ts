import { createSigner } from "@depinfer/chain";
import { createEvmAccount } from "@depinfer/chain/evm-account";
import { textHash } from "@depinfer/proof";
import { encodeRequest, type Hex, microUsd, type Offer } from "@depinfer/protocol";
import { decodePaymentResponseHeader } from "@x402/core/http";
import type { PaymentPayload } from "@x402/core/types";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type Behaviour,
  chatBody,
  offer as cheapOffer,
  fails,
  says,
  storedRequest,
  zero,
} from "../../services/gateway/src/test-gateway.ts";
import { type Payer, type Shop, startShop } from "./x402-shop.ts";

/* Whoever pays without a key: nothing is taken for nothing, and nothing is given for nothing. */

const offer: Offer = {
  ...cheapOffer,
  contextLength: 10_000,
  prices: {
    inputPerMillion: microUsd(1_000_000),
    cachedInputPerMillion: microUsd(1_000_000),
    outputPerMillion: microUsd(1_000_000),
  },
};
/** A unit for each byte of the body, for what a template may add, and for each token of the answer. */
const COST = BigInt(chatBody({ max_tokens: 20 }).length + 256 + 20);

let shop: Shop;
beforeAll(async () => {
  shop = await startShop({ mostVerifications: 3 });
});
afterAll(() => shop.stop());
beforeEach(() => {
  shop.running.standIn.reset();
  shop.running.standIn.offers = [offer];
});

const url = () => `http://127.0.0.1:${shop.running.gateway.port}/v1/chat/completions`;
const bought = () => shop.running.standIn.asked.length;
const request = (extra: object = {}, headers: Record<string, string> = {}) => ({
  method: "POST",
  headers,
  body: chatBody({ max_tokens: 20, ...extra }),
});

async function send(extra: object = {}, headers: Record<string, string> = {}) {
  const response = await fetch(url(), request(extra, headers));
  const text = await response.text();
  const error: { code?: string; message?: string } = text.startsWith('{"error"') ? JSON.parse(text).error : {};
  return { status: response.status, headers: response.headers, text, error };
}

/** What a client signs for a request, after `change` has spoiled it. */
async function sign(
  payer: Payer,
  change: (payload: PaymentPayload) => PaymentPayload = (same) => same,
  extra: object = {},
) {
  const { headers } = await send(extra);
  const required = payer.http.getPaymentRequiredResponse((name) => headers.get(name));
  return payer.http.encodePaymentSignatureHeader(change(await payer.http.createPaymentPayload(required)));
}

/** Nothing was bought and nothing was taken while `work` ran. */
async function withoutEffect(payer: Payer, work: () => Promise<void>): Promise<void> {
  const before = await shop.balance(payer.address);
  const asked = bought();
  await work();
  expect(bought()).toBe(asked);
  expect(await shop.balance(payer.address)).toBe(before);
}

const amountOf = (list: ReturnType<ReturnType<Shop["seller"]>["income"]>) =>
  list.reduce((sum, { amount }) => sum + amount, 0n);

describe("a request without a key", () => {
  test("is told what it costs and how to pay, in words and in the header", async () => {
    const payer = await shop.payer();
    await withoutEffect(payer, async () => {
      const reply = await send();
      expect(reply.status).toBe(402);
      expect(reply.error.code).toBe("payment.required");
      expect(reply.error.message).toContain(`at most $0.000${COST}`);
      expect(reply.error.message).toMatch(/API key.*pass/);
      const required = payer.http.getPaymentRequiredResponse((name) => reply.headers.get(name));
      expect(required.accepts).toMatchObject([
        { scheme: "exact", amount: COST.toString(), asset: shop.deployment.addresses.testUsd, payTo: shop.payTo },
      ]);
    });
  });

  test("for a model that nobody serves is not asked to pay", async () => {
    expect(await send({ model: "unknown" })).toMatchObject({ status: 404 });
    shop.running.standIn.offers = [];
    expect(await send()).toMatchObject({ status: 503 });
  });

  test("is not priced by the dearest provider of all", async () => {
    const absurd = { ...offer.prices, outputPerMillion: microUsd(10n ** 12n) };
    shop.running.standIn.offers = [
      offer,
      { ...offer, provider: `0x${"0b".repeat(20)}`, peerId: "dear", prices: absurd },
    ];
    const payer = await shop.payer();
    expect(await send({}, await sign(payer))).toMatchObject({ status: 200 });
    expect(await shop.balance(payer.address)).toBe(10_000_000n - COST);
    expect(shop.running.standIn.asked.at(-1)?.policy.providers).toEqual([offer.provider]);
  });

  test("is refused as before where the path is not for sale", async () => {
    const response = await fetch(url().replace("chat/completions", "receipts"));
    expect(response.status).toBe(401);
  });
});

describe("a payment that holds", () => {
  test.each([false, true])("buys one answer from the reference client (stream: %s)", async (stream) => {
    const payer = await shop.payer();
    const [before, earned] = [await shop.balance(shop.payTo), amountOf(shop.seller().income())];
    shop.running.standIn.behave = says("well ", "worth ", "it");
    const response = await payer.fetch(url(), request({ stream }));
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).toContain(stream ? "[DONE]" : "well worth it");
    expect(response.headers.get("x-depinfer-receipt")).toBe(zero);
    const paid = decodePaymentResponseHeader(response.headers.get("payment-response") ?? "");
    expect(paid).toMatchObject({ success: true, payer: payer.address });
    const cost = 10_000_000n - (await shop.balance(payer.address));
    expect(cost).toBeGreaterThan(0n);
    expect((await shop.balance(shop.payTo)) - before).toBe(cost);
    expect(amountOf(shop.seller().income()) - earned).toBe(cost);
    expect(shop.running.standIn.asked).toMatchObject([{ account: `x402:${payer.address}` }]);
  });

  test("is not taken a second time, for the same request or another", async () => {
    const payer = await shop.payer();
    const payment = await sign(payer);
    expect(await send({}, payment)).toMatchObject({ status: 200 });
    const [left, asked] = [await shop.balance(payer.address), bought()];
    for (const extra of [{}, { temperature: 0 }]) {
      const reply = await send(extra, payment);
      expect(reply.status, reply.text).toBe(402);
    }
    await shop.running.restart();
    expect(await send({}, payment)).toMatchObject({ status: 402, error: { code: "payment.used" } });
    expect([await shop.balance(payer.address), bought()]).toEqual([left, asked]);
  });

  test("serves one of two requests that show it at once", async () => {
    const payer = await shop.payer();
    const payment = await sign(payer);
    shop.running.standIn.behave = async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return says("once")(...args);
    };
    const replies = await Promise.all([send({}, payment), send({}, payment), send({ temperature: 0 }, payment)]);
    expect(replies.map(({ status }) => status).sort()).not.toEqual([200, 200, 200]);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(bought()).toBe(1);
    expect(await shop.balance(payer.address)).toBe(10_000_000n - COST);
  });

  test("is refused while the payer's other payments need the same money, and not for good", async () => {
    const payer = await shop.payer((COST * 3n) / 2n);
    const payments = [await sign(payer), await sign(payer), await sign(payer)];
    const finish = Promise.withResolvers<void>();
    shop.running.standIn.behave = async (...args) => {
      await finish.promise;
      return says("one of them")(...args);
    };
    const replies = payments.map((payment) => send({}, payment));
    await expect.poll(bought).toBe(1);
    const refused = await Promise.race(replies);
    expect(refused).toMatchObject({ status: 402, error: { code: "payment.overcommitted" } });
    finish.resolve();
    expect((await Promise.all(replies)).map(({ status }) => status).sort()).toEqual([200, 402, 402]);
    expect(bought()).toBe(1);
    await shop.chain.usd.mint(payer.address, 10_000n);
    const later = await Promise.all(payments.map((payment) => send({}, payment)));
    expect(later.map(({ status }) => status).sort()).toEqual([200, 200, 402]);
  });

  test("buys nothing while the request fails, however often it is tried, and then one answer", async () => {
    const payer = await shop.payer();
    const payment = await sign(payer);
    for (const after of [undefined, "half an ans"]) {
      for (const stream of [false, true]) {
        shop.running.standIn.behave = fails("provider.silent", {
          retryable: true,
          ...(after === undefined ? {} : { after }),
        });
        const signed = stream ? await sign(payer, undefined, { stream }) : payment;
        const reply = await send(stream ? { stream } : {}, signed);
        expect(reply, reply.text).toMatchObject({ status: 502, error: { code: "provider.silent" } });
        expect(reply.text).not.toContain("half an ans");
      }
    }
    expect(await shop.balance(payer.address)).toBe(10_000_000n);
    shop.running.standIn.behave = says("at last");
    expect(await send({}, payment)).toMatchObject({ status: 200 });
    expect(await shop.balance(payer.address)).toBe(10_000_000n - COST);
  });
});

describe("a payment that does not hold buys nothing and takes nothing", () => {
  const authorization = (payload: PaymentPayload, change: object): PaymentPayload => {
    const { authorization: signed, ...rest } = payload.payload;
    return { ...payload, payload: { ...rest, authorization: { ...Object(signed), ...change } } };
  };
  const accepted = (payload: PaymentPayload, change: Partial<PaymentPayload["accepted"]>): PaymentPayload => ({
    ...payload,
    accepted: { ...payload.accepted, ...change },
  });

  test.each<[string, number, string, (payload: PaymentPayload) => PaymentPayload]>([
    ["underpaid", 402, "payment.mismatch", (payload) => accepted(payload, { amount: "1" })],
    ["underpaid in what was signed", 402, "payment.invalid", (payload) => authorization(payload, { value: "1" })],
    ["of another asset", 402, "payment.mismatch", (payload) => accepted(payload, { asset: `0x${"12".repeat(20)}` })],
    ["on another network", 402, "payment.mismatch", (payload) => accepted(payload, { network: "eip155:1" })],
    ["by another scheme", 402, "payment.mismatch", (payload) => accepted(payload, { scheme: "upto" })],
    ["to somebody else", 402, "payment.mismatch", (payload) => accepted(payload, { payTo: `0x${"12".repeat(20)}` })],
    [
      "signed to somebody else",
      402,
      "payment.invalid",
      (payload) => authorization(payload, { to: `0x${"12".repeat(20)}` }),
    ],
    [
      "signed by nobody",
      402,
      "payment.invalid",
      (payload) => ({ ...payload, payload: { ...payload.payload, signature: `0x${"11".repeat(65)}` } }),
    ],
    ["of another payer", 402, "payment.invalid", (payload) => authorization(payload, { from: `0x${"12".repeat(20)}` })],
    [
      "of another nonce",
      402,
      "payment.invalid",
      (payload) => authorization(payload, { nonce: `0x${"34".repeat(32)}` }),
    ],
    [
      "about to expire",
      402,
      "payment.expired",
      (payload) => authorization(payload, { validBefore: String(Math.floor(Date.now() / 1000) + 30) }),
    ],
    ["not valid yet", 402, "payment.invalid", (payload) => authorization(payload, { validAfter: "99999999999" })],
    ["without an authorization", 400, "payment.malformed", (payload) => ({ ...payload, payload: {} })],
    [
      "by Permit2",
      400,
      "payment.malformed",
      (payload) => ({ ...payload, payload: { permit2Authorization: {}, signature: "0x11" } }),
    ],
    ["of a number that is none", 400, "payment.malformed", (payload) => authorization(payload, { value: "0x10" })],
    ["of a negative number", 400, "payment.malformed", (payload) => authorization(payload, { value: "-1" })],
    [
      "with a short signature",
      400,
      "payment.malformed",
      (payload) => ({ ...payload, payload: { ...payload.payload, signature: "0x11" } }),
    ],
  ])("%s", async (_what, status, code, change) => {
    const payer = await shop.payer();
    await withoutEffect(payer, async () => {
      const reply = await send({}, await sign(payer, change));
      expect(reply, reply.text).toMatchObject({ status, error: { code } });
      expect(reply.headers.get("payment-required") !== null).toBe(status === 402);
    });
    // The client that pays properly is served all the same.
    expect(await send({}, await sign(payer))).toMatchObject({ status: 200 });
  });

  test.each([
    ["garbage", "garbage!", "payment.malformed"],
    ["base64 of garbage", Buffer.from("garbage").toString("base64"), "payment.malformed"],
    ["no payment", Buffer.from("{}").toString("base64"), "payment.malformed"],
    ["null", Buffer.from("null").toString("base64"), "payment.malformed"],
    ["a deep object", Buffer.from(`${'{"a":'.repeat(500)}1${"}".repeat(500)}`).toString("base64"), "payment.malformed"],
    [
      "prototype names",
      Buffer.from('{"__proto__":{"x402Version":2},"constructor":1}').toString("base64"),
      "payment.malformed",
    ],
    ["a long one", "A".repeat(8_200), "payment.malformed"],
    [
      "version 1",
      Buffer.from('{"x402Version":1,"scheme":"exact","network":"base","payload":{}}').toString("base64"),
      "payment.unsupported",
    ],
  ])("a header of %s", async (_what, header, code) => {
    expect(await send({}, { "payment-signature": header })).toMatchObject({ status: 400, error: { code } });
    expect(bought()).toBe(0);
  });

  test("a header of x402's first version, or one that Node refuses, is answered and not fatal", async () => {
    expect(await send({}, { "x-payment": "abc" })).toMatchObject({
      status: 400,
      error: { code: "payment.unsupported" },
    });
    const response = await fetch(url(), request({}, { "payment-signature": "A".repeat(40_000) }));
    expect(response.status).toBe(431);
    expect(await send()).toMatchObject({ status: 402 });
  });

  test("a body that is too long is not priced", async () => {
    expect(
      await send({
        user: "x".repeat(500),
        stop: Array.from({ length: 4 }, () => "y".repeat(200)),
        messages: [{ role: "user", content: "z".repeat(20_000) }],
      }),
    ).toMatchObject({ status: 413 });
  });

  test("a wallet that is empty", async () => {
    const payer = await shop.payer(COST - 1n);
    await withoutEffect(payer, async () => {
      expect(await send({}, await sign(payer))).toMatchObject({ status: 402, error: { code: "payment.invalid" } });
    });
  });

  test("a payment that was used elsewhere", async () => {
    const payer = await shop.payer();
    const payment = await sign(payer, (payload) => {
      transfer = payload;
      return payload;
    });
    await sendTransfer(transfer);
    await withoutEffect(payer, async () => {
      expect(await send({}, payment)).toMatchObject({ status: 402, error: { code: "payment.invalid" } });
    });
  });
});

let transfer: PaymentPayload;
const TRANSFER_ABI = [
  {
    type: "function",
    name: "transferWithAuthorization",
    stateMutability: "nonpayable",
    inputs: ["address", "address", "uint256", "uint256", "uint256", "bytes32", "bytes"].map((type) => ({
      name: "",
      type,
    })),
    outputs: [],
  },
  {
    type: "function",
    name: "cancelAuthorization",
    stateMutability: "nonpayable",
    inputs: ["address", "bytes32", "bytes"].map((type) => ({ name: "", type })),
    outputs: [],
  },
];

/** A stranger with gas. */
function stranger() {
  return createEvmAccount({
    rpcUrl: shop.anvil.rpcUrl,
    deployment: shop.deployment,
    account: createSigner(shop.anvil.key(5)),
  });
}

/** Sends the transfer of a payment, as anybody can who has seen it. */
async function sendTransfer({ payload }: PaymentPayload): Promise<void> {
  const { from, to, value, validAfter, validBefore, nonce } = Object(payload.authorization);
  await stranger().writeContract({
    address: shop.deployment.addresses.testUsd,
    abi: TRANSFER_ABI,
    functionName: "transferWithAuthorization",
    args: [from, to, BigInt(value), BigInt(validAfter), BigInt(validBefore), nonce, payload.signature],
  });
}

describe("while the answer is made", () => {
  /** Says something after `meanwhile` has happened. */
  const answersAfter =
    (meanwhile: () => Promise<void>): Behaviour =>
    async (...args) => {
      await meanwhile();
      return says("a secret")(...args);
    };

  test("the payer empties its wallet: the answer is withheld, and nothing is taken", async () => {
    const payer = await shop.payer();
    const payment = await sign(payer);
    await shop.anvil.fund(payer.address);
    shop.running.standIn.behave = answersAfter(async () => {
      await payer.chain.usd.transfer(`0x${"99".repeat(20)}`, 10_000_000n);
    });
    const reply = await send({}, payment);
    expect(reply).toMatchObject({ status: 402, error: { code: "payment.notSettled" } });
    expect(reply.text).not.toContain("a secret");
    await shop.chain.usd.mint(payer.address, 1_000_000n);
    shop.running.standIn.behave = says("open");
    expect(await send({}, payment)).toMatchObject({ status: 200 });
    expect(await shop.balance(payer.address)).toBe(1_000_000n - COST);
  });

  test("the payer cancels the authorization: the answer is withheld", async () => {
    const payer = await shop.payer();
    const payment = await sign(payer, (payload) => {
      transfer = payload;
      return payload;
    });
    shop.running.standIn.behave = answersAfter(async () => {
      const { from, nonce } = Object(transfer.payload.authorization);
      const signature = await payer.account.signTypedData({
        domain: {
          name: transfer.accepted.extra.name,
          version: transfer.accepted.extra.version,
          chainId: shop.deployment.chainId,
          verifyingContract: shop.deployment.addresses.testUsd,
        },
        types: {
          CancelAuthorization: [
            { name: "authorizer", type: "address" },
            { name: "nonce", type: "bytes32" },
          ],
        },
        primaryType: "CancelAuthorization",
        message: { authorizer: from, nonce },
      });
      await stranger().writeContract({
        address: shop.deployment.addresses.testUsd,
        abi: TRANSFER_ABI,
        functionName: "cancelAuthorization",
        args: [from, nonce, signature],
      });
    });
    const reply = await send({}, payment);
    expect(reply).toMatchObject({ status: 402, error: { code: "payment.notSettled" } });
    expect(reply.text).not.toContain("a secret");
    expect(await shop.balance(payer.address)).toBe(10_000_000n);
  });

  test("a stranger sends the transfer: it counts, once", async () => {
    const payer = await shop.payer();
    const payment = await sign(payer, (payload) => {
      transfer = payload;
      return payload;
    });
    const earned = amountOf(shop.seller().income());
    shop.running.standIn.behave = answersAfter(() => sendTransfer(transfer));
    const reply = await send({}, payment);
    expect(reply, reply.text).toMatchObject({ status: 200 });
    expect(reply.text).toContain("a secret");
    expect(await shop.balance(payer.address)).toBe(10_000_000n - COST);
    expect(amountOf(shop.seller().income()) - earned).toBe(COST);
  });

  test("the client goes away: it gets the answer by the same payment, once", async () => {
    const payer = await shop.payer();
    const payment = await sign(payer);
    const [begun, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    shop.running.standIn.behave = answersAfter(async () => {
      begun.resolve();
      await finish.promise;
    });
    const leaving = new AbortController();
    const lost = fetch(url(), { ...request({}, payment), signal: leaving.signal });
    await begun.promise;
    leaving.abort();
    await expect(lost).rejects.toThrow();
    expect(await send({}, payment)).toMatchObject({ status: 409, error: { code: "payment.inUse" } });
    finish.resolve();
    await expect.poll(async () => (await shop.balance(payer.address)) < 10_000_000n, { timeout: 10_000 }).toBe(true);
    await expect.poll(async () => (await send({}, payment)).text, { timeout: 10_000 }).toContain("a secret");
    expect(await send({}, payment)).toMatchObject({ status: 402, error: { code: "payment.used" } });
    expect(bought()).toBe(1);
    expect(await shop.balance(payer.address)).toBe(10_000_000n - COST);
  });

  test("the gateway dies: the answer that was bought is settled and handed out, and not bought again", async () => {
    const payer = await shop.payer();
    const payment = await sign(payer);
    const requestId: Hex = `0x${"78".repeat(32)}`;
    const begun = Promise.withResolvers<void>();
    shop.running.standIn.behave = (_ask, { onAccept }) => {
      onAccept?.({
        requestId,
        offer,
        accept: { providerNonce: zero, promptTokens: 3, cachedTokens: 0, promptHash: zero },
      });
      begun.resolve();
      return new Promise(() => undefined);
    };
    const lost = send({}, payment).catch(() => undefined);
    await begun.promise;
    await shop.running.restart();
    await lost;
    const receipt = {
      requestId,
      requestHash: zero,
      classId: zero,
      promptHash: zero,
      transcriptRoot: zero,
      textHash: textHash("it was ready"),
      seedCommitment: zero,
      channelId: zero,
      provider: offer.provider,
      promptTokens: 3,
      cachedTokens: 0,
      outputTokens: 2,
      stopReason: "end" as const,
      proofLevel: "seeded" as const,
      cost: microUsd(5),
      startedAt: 1,
      finishedAt: 2,
    };
    const request = encodeRequest({
      terms: {
        v: 1,
        requestId,
        endpoint: "chat",
        classId: zero,
        channelId: zero,
        buyerNonce: zero,
        maxOutputTokens: 20,
        prices: offer.prices,
        audit: "validator",
      },
      body: new Uint8Array(),
    });
    const signed = { receipt, signature: "0x" } as const;
    shop.running.standIn.stored = [
      storedRequest(requestId, `x402:${payer.address}`, { request, text: "it was ready", signed }),
    ];
    const reply = await send({}, payment);
    expect(reply, reply.text).toMatchObject({ status: 200 });
    expect(reply.text).toContain("it was ready");
    expect(bought()).toBe(1);
    expect(await shop.balance(payer.address)).toBe(10_000_000n - COST);
  });

  test("the chain is away: the payment is refused for the moment, and nothing is bought", async () => {
    const payer = await shop.payer();
    const payments = await Promise.all(Array.from({ length: 6 }, () => sign(payer)));
    process.kill(shop.anvil.pid, "SIGSTOP");
    try {
      const replies = Promise.all(payments.map((payment) => send({}, payment)));
      const first = await Promise.race(payments.map((payment) => send({}, payment)));
      expect(first).toMatchObject({ status: 503, error: { code: "payment.busy" } });
      process.kill(shop.anvil.pid, "SIGCONT");
      const statuses = (await replies).map(({ status }) => status);
      expect(statuses.filter((status) => status === 503).length).toBeGreaterThan(0);
    } finally {
      process.kill(shop.anvil.pid, "SIGCONT");
    }
    for (const payment of payments) {
      const reply = await send({}, payment);
      expect([200, 402], reply.text).toContain(reply.status);
    }
    expect(await shop.balance(payer.address)).toBe(10_000_000n - 6n * COST);
    expect(bought()).toBe(6);
  });
});
