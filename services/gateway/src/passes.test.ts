import { createSigner, type Pass, type PassTier, recoverAddress } from "@depinfer/chain";
import { mostPromptTokens } from "@depinfer/client";
import {
  DepinferError,
  digestSha256,
  encodeTier,
  type Hex,
  microUsd,
  passUseDigest,
  toHex,
  utf8,
} from "@depinfer/protocol";
import { gatewayPassSchema } from "@depinfer/protocol/api";
import { array as arrayOf, assert, asyncProperty, constantFrom, integer, tuple } from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createPassDesk } from "./passes.ts";
import {
  account,
  answer,
  chatBody,
  fails,
  says,
  startTestGateway,
  storedRequest,
  type TestGateway,
  zero,
} from "./test-gateway.ts";

/* The contract is a stand-in here; tests/e2e/money.test.ts spends real passes. */

const signer: Hex = `0x${"0c".repeat(20)}`;
const BODY = chatBody({ max_tokens: 20 });
/** The most that one request can use, and what its answer uses. */
const MOST = mostPromptTokens(utf8(BODY)) + 20;
const USED = answer.usage.promptTokens + answer.usage.outputTokens;
const QUOTA = 1_000n;
const PRICE = 1_000n;

const tier: PassTier = {
  id: 1n,
  issuer: account,
  price: PRICE,
  periodSeconds: 60,
  quota: QUOTA,
  requestsPerMinute: 0,
  unitsPerMillion: 950_000n,
  ...encodeTier({ description: "", models: [] }),
};
const fresh: Pass = {
  id: 7n,
  holder: account,
  tier: 1n,
  start: 0,
  end: 60,
  paid: PRICE,
  feeReserve: 50n,
  balance: 950n,
  drawn: 0n,
  operator: account,
  signer,
  endedAt: undefined,
  status: "active",
  channels: [],
  refundable: 0n,
};

let pass: Pass | undefined = fresh;
let tiers: Map<bigint, PassTier>;
let away = false;
let reads = 0;
let clock = 1_000_000;
let running: TestGateway;
let key: string;
beforeAll(async () => {
  running = await startTestGateway({}, (journal, { buyer }) => ({
    passes: createPassDesk({
      journal,
      buyer,
      use: { operator: account, signer },
      binding: { chainId: 31_337, verifyingContract: account },
      recoverAddress,
      now: () => clock,
      passes: {
        async pass() {
          reads++;
          if (away) {
            throw new DepinferError({ code: "chain.unreachable", message: "away", remedy: "wait", retryable: true });
          }
          return pass;
        },
        tier: async (id) => tiers.get(id),
      },
    }),
  }));
});
afterAll(() => running.stop());
let passes = 100n;
beforeEach(async () => {
  running.standIn.reset();
  // A pass of its own for each test, since the chain is the only one that forgets.
  passes += 1n;
  pass = { ...fresh, id: passes };
  tiers = new Map([[1n, tier]]);
  away = false;
  key = await running.keys.create(`holder-${passes}`, null);
  await running.keys.bindPass(`holder-${passes}`, passes);
  clock += 600_000;
});

const ask = (extra: object = {}) =>
  running.chat({ max_tokens: 20, ...extra }, { headers: { authorization: `Bearer ${key}` } });
const remaining = (reply: { headers: Record<string, string | string[] | undefined> }) =>
  Number(reply.headers["x-depinfer-pass-remaining"]);

describe("a pass", () => {
  test("pays at its flat price, and the answer says what is left", async () => {
    const reply = await ask();
    expect(reply.status).toBe(200);
    expect(running.standIn.asked).toMatchObject([{ pass: { id: passes, unitsPerMillion: microUsd(950_000) } }]);
    expect(remaining(reply)).toBe(Number(QUOTA) - USED);
    const stream = await ask({ stream: true });
    // A stream's headers go first: it counts with the most that it can use.
    expect(remaining(stream)).toBeLessThan(Number(QUOTA) - 2 * USED);
    expect(remaining(await ask())).toBe(Number(QUOTA) - 3 * USED);
  });

  test("pays until its quota is spent, also across restarts, and then says what to do", async () => {
    let served = 0;
    let reply = await ask();
    for (; reply.status === 200 && served < 500; served++) {
      if (served % 40 === 0) {
        await running.restart();
      }
      reply = await ask();
    }
    expect(reply).toMatchObject({ status: 402, error: { code: "pass.quotaSpent" } });
    expect(reply.error.message).toMatch(new RegExp(`depinfer pass renew ${passes}.*upgrade.*pay per use`));
    expect(served * USED).toBeLessThanOrEqual(Number(QUOTA));
    expect(served * USED).toBeGreaterThan(Number(QUOTA) - MOST - 2 * USED);
    const bought = running.standIn.asked.length;
    expect((await ask()).status).toBe(402);
    expect(running.standIn.asked).toHaveLength(bought);
  }, 60_000);

  test("never has more at work than its quota, however many ask at once", async () => {
    const most = Math.floor(Number(QUOTA) / MOST);
    const finish = Promise.withResolvers<void>();
    running.standIn.behave = async (...args) => {
      await finish.promise;
      return says("done")(...args);
    };
    const replies = Array.from({ length: 12 }, () => ask());
    await expect.poll(() => running.standIn.asked.length).toBe(most);
    finish.resolve();
    const statuses = (await Promise.all(replies)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(most);
    expect(statuses.filter((status) => status === 402)).toHaveLength(12 - most);
    expect(remaining(await ask())).toBe(Number(QUOTA) - (most + 1) * USED);
  });

  test("gives back what a request that failed had set aside, less what was paid for it", async () => {
    running.standIn.behave = fails("provider.silent");
    for (let i = 0; i < 20; i++) {
      expect((await ask()).status).toBe(502);
    }
    running.standIn.behave = fails("network.linkClosed", { after: "half" });
    running.standIn.stored = [
      storedRequest(zero, "holder", { usage: { promptTokens: 30, cachedTokens: 0, outputTokens: 4 } }),
    ];
    await ask({ stream: true });
    running.standIn.behave = says("fine");
    expect(remaining(await ask())).toBe(Number(QUOTA) - 34 - USED);
  });

  test("has its quota again after a renewal, at once, and another one after an upgrade", async () => {
    for (let reply = await ask(); reply.status === 200; ) {
      reply = await ask();
    }
    const before = running.standIn.asked.length;
    pass = { ...fresh, id: passes, end: 120, start: 5, paid: 2n * PRICE };
    clock += 600;
    const reply = await ask();
    expect(reply.status).toBe(200);
    expect(remaining(reply)).toBe(Number(2n * QUOTA) - (before + 1) * USED);
    tiers.set(2n, { ...tier, id: 2n, price: 5_000n, quota: 9_000n });
    pass = { ...fresh, id: passes, tier: 2n, paid: 5_000n };
    clock += 4_000;
    expect(remaining(await ask())).toBe(9_000 - USED);
  }, 60_000);

  test.each<[string, () => void, number, string]>([
    ["is over", () => Object.assign(pass ?? {}, { status: "expired" }), 402, "pass.expired"],
    ["was cancelled", () => Object.assign(pass ?? {}, { status: "cancelled" }), 402, "pass.notActive"],
    ["was settled", () => Object.assign(pass ?? {}, { status: "settled" }), 402, "pass.notActive"],
    ["never was", () => (pass = undefined), 402, "pass.notActive"],
    ["names another operator", () => Object.assign(pass ?? {}, { operator: signer }), 402, "pass.notOurs"],
    ["names another signer", () => Object.assign(pass ?? {}, { signer: account }), 402, "pass.notOurs"],
    [
      "is for other models",
      () => tiers.set(1n, { ...tier, ...encodeTier({ description: "", models: ["others"] }) }),
      403,
      "pass.otherModel",
    ],
  ])("that %s pays for nothing", async (_what, change, status, code) => {
    // Passes and tiers are read once, so this has to come before the first request.
    await running.restart();
    change();
    expect(await ask()).toMatchObject({ status, error: { code } });
    expect(running.standIn.asked).toEqual([]);
  });

  test("that an owner unbinds lets the gateway's wallet pay again", async () => {
    await running.keys.bindPass(`holder-${passes}`, null);
    const reply = await ask();
    expect(reply.headers["x-depinfer-pass-remaining"]).toBeUndefined();
    expect(running.standIn.asked[0]?.pass ?? null).toBeNull();
  });

  test("allows so many requests in any minute, and says when the next may come", async () => {
    await running.restart();
    tiers.set(1n, { ...tier, requestsPerMinute: 2 });
    const used = [await ask(), await ask()];
    expect(used.map(({ status }) => status)).toEqual([200, 200]);
    clock += 20_000;
    const refused = await ask();
    expect(refused).toMatchObject({ status: 429, error: { code: "rate_limit_exceeded" } });
    expect(refused.headers["retry-after"]).toBe("40");
    clock += 40_001;
    expect((await ask()).status).toBe(200);
  });

  test("is not looked up for every request, and serves on for a while when the chain is away", async () => {
    await ask();
    const before = reads;
    await Promise.all([ask(), ask(), ask()]);
    expect(reads).toBe(before);
    away = true;
    clock += 60_000;
    expect((await ask()).status).toBe(200);
    clock += 300_000;
    expect(await ask()).toMatchObject({ status: 503, error: { code: "chain.unreachable" } });
  });
});

test("what was at work when the gateway died is counted by the ledger", async () => {
  const [states, spent]: [("done" | "failed" | "broken")[], number[]] = [
    ["done", "failed", "broken"],
    [34, 0, MOST],
  ];
  for (const [index, state] of states.entries()) {
    passes += 1n;
    pass = { ...fresh, id: passes };
    key = await running.keys.create(`dying-${passes}`, null);
    await running.keys.bindPass(`dying-${passes}`, passes);
    const begun = Promise.withResolvers<void>();
    running.standIn.behave = async (given, handlers) => {
      await says()(given, handlers);
      begun.resolve();
      return new Promise(() => undefined);
    };
    const lost = ask().catch(() => undefined);
    await begun.promise;
    running.standIn.stored = [
      storedRequest(zero, "dying", { state, usage: { promptTokens: 30, cachedTokens: 0, outputTokens: 4 } }),
    ];
    await running.restart();
    await lost;
    running.standIn.behave = says("alive");
    expect(remaining(await ask()), state).toBe(Number(QUOTA) - (spent[index] ?? 0) - USED);
  }
});

test("no history of answers, failures, renewals and restarts spends more than was granted, or loses a token", async () => {
  await assert(
    asyncProperty(
      arrayOf(tuple(constantFrom("answer", "fail", "renew", "restart", "burst"), integer({ min: 1, max: 300 })), {
        maxLength: 12,
      }),
      async (history) => {
        passes += 1n;
        let paid = PRICE;
        pass = { ...fresh, id: passes };
        key = await running.keys.create(`history-${passes}`, null);
        await running.keys.bindPass(`history-${passes}`, passes);
        let used = 0;
        for (const [what, tokens] of history) {
          clock += 4_000;
          const usage = { promptTokens: tokens, cachedTokens: 0, outputTokens: 1 };
          running.standIn.behave = async (given, handlers) => ({ ...(await says("x")(given, handlers)), usage });
          if (what === "answer" || what === "burst") {
            const replies = await Promise.all(Array.from({ length: what === "burst" ? 4 : 1 }, () => ask()));
            used += replies.filter(({ status }) => status === 200).length * (tokens + 1);
          } else if (what === "fail") {
            running.standIn.stored = [];
            running.standIn.behave = fails("provider.silent");
            await ask();
          } else if (what === "renew") {
            paid += PRICE;
            pass = { ...fresh, id: passes, paid };
          } else if (tokens < 60) {
            await running.restart();
          }
        }
        const granted = Number((QUOTA * paid) / PRICE);
        expect(used).toBeLessThanOrEqual(granted);
        const row = running.journal.db
          .prepare("SELECT coalesce(sum(used), 0) AS used FROM pass_use WHERE pass = ?")
          .get(passes);
        expect(Number(row?.used)).toBe(used);
      },
    ),
    { numRuns: 40 },
  );
}, 120_000);

describe("a holder", () => {
  const holder = createSigner(`0x${"17".repeat(32)}`);
  const binding = { chainId: 31_337, verifyingContract: account };
  const hashOf = (text: string) => toHex(digestSha256(utf8(text)));
  const headers = () => ({ authorization: `Bearer ${key}` });
  const sign = (over: { pass?: bigint; keyHash?: Hex; operator?: Hex } = {}, by = holder) =>
    by.sign(passUseDigest({ pass: passes, keyHash: hashOf(key), operator: account, ...over }, binding));
  const bind = (signature: Hex, id = passes) =>
    running.call("/v1/pass", {
      method: "PUT",
      headers: headers(),
      body: JSON.stringify({ pass: id.toString(), signature }),
    });
  const bound = async () => (await running.keys.list()).find(({ name }) => name === `holder-${passes}`)?.pass ?? null;

  beforeEach(async () => {
    pass = { ...fresh, id: passes, holder: holder.address };
    await running.keys.bindPass(`holder-${passes}`, null);
  });

  test("lets a pass pay for a key by a signature, sees what is left of it, and takes it off again", async () => {
    const before = gatewayPassSchema.parse(JSON.parse((await running.call("/v1/pass", { headers: headers() })).text));
    expect(before).toEqual({
      pass: null,
      use: { operator: account, signer, keyHash: hashOf(key), chainId: 31_337, contract: account },
    });
    const reply = await bind(sign());
    expect(reply.status).toBe(200);
    expect(gatewayPassSchema.parse(JSON.parse(reply.text)).pass).toMatchObject({
      id: passes,
      holder: holder.address,
      remainingTokens: QUOTA,
      fault: null,
      tier: { price: PRICE, models: [] },
    });
    await ask();
    expect(running.standIn.asked).toMatchObject([{ pass: { id: passes } }]);
    const after = gatewayPassSchema.parse(JSON.parse((await running.call("/v1/pass", { headers: headers() })).text));
    expect(after.pass).toMatchObject({ usedTokens: BigInt(USED), remainingTokens: QUOTA - BigInt(USED) });
    expect((await running.call("/v1/pass", { method: "DELETE", headers: headers() })).status).toBe(200);
    expect(await bound()).toBeNull();
  });

  test("of wallets that end signatures with the bare parity is understood too", async () => {
    const signature = sign();
    const bare: Hex = `0x${signature.slice(2, -2)}${signature.endsWith("1b") ? "00" : "01"}`;
    expect((await bind(bare)).status).toBe(200);
  });

  test("is nobody else, and signs for one pass, one key and one gateway", async () => {
    const stranger = createSigner(`0x${"18".repeat(32)}`);
    for (const signature of [
      sign({}, stranger),
      sign({ pass: passes + 1n }),
      sign({ keyHash: hashOf("sk-depinfer-another") }),
      sign({ operator: signer }),
    ]) {
      expect(await bind(signature)).toMatchObject({ status: 403, error: { code: "pass.notHolder" } });
    }
    expect(await bind(`0x${"00".repeat(65)}`)).toMatchObject({ status: 400, error: { code: "pass.badSignature" } });
    expect(await bind("0x1234")).toMatchObject({ status: 400, error: { code: "pass.badSignature" } });
    expect(await bound()).toBeNull();
  });

  test("who hands a pass over no longer pays with it, whatever is changed about the key meanwhile", async () => {
    expect((await bind(sign())).status).toBe(200);
    await running.keys.setSettings(`holder-${passes}`, { limits: { requestsPerMinute: 1_000 } });
    expect((await ask()).status).toBe(200);
    pass = { ...fresh, id: passes, holder: signer };
    clock += 10_000;
    expect(await ask()).toMatchObject({ status: 402, error: { code: "pass.handedOver" } });
    // The gateway's owner answers for what he binds himself.
    await running.keys.bindPass(`holder-${passes}`, passes);
    expect((await ask()).status).toBe(200);
  });

  test("cannot bind a pass that would not pay", async () => {
    pass = { ...fresh, id: passes, holder: holder.address, status: "expired" };
    expect(await bind(sign())).toMatchObject({ status: 402, error: { code: "pass.expired" } });
    pass = { ...fresh, id: passes, holder: holder.address, operator: signer };
    clock += 10_000;
    expect(await bind(sign())).toMatchObject({ status: 402, error: { code: "pass.notOurs" } });
    expect(await bound()).toBeNull();
  });

  test("is told what is wrong with a body, which changes nothing", async () => {
    for (const body of ["", "{", "[]", "{}", '{"pass":7,"signature":"0x"}', `{"pass":"-1","signature":"0x00"}`]) {
      const reply = await running.call("/v1/pass", { method: "PUT", headers: headers(), body });
      expect(reply).toMatchObject({ status: 400, error: { code: "request.invalid" } });
    }
    expect(await bound()).toBeNull();
  });
});
