import { randomBytes } from "node:crypto";
import { query } from "@depinfer/network";
import { epochReportSchema, merkleRoot, microUsd, receiptDigest, toHex } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWordEngine } from "./engine.ts";
import { askFor, type Market, startMarket, type TestBuyer, type TestProvider, until } from "./market.ts";

/* Money to the unit, whatever happens to either side. Prices are a unit a token. */

let market: Market;
beforeAll(async () => {
  market = await startMarket();
}, 60_000);
afterAll(() => market.stop(), 30_000);

async function pair(): Promise<{ provider: TestProvider; buyer: TestBuyer }> {
  const [provider, buyer] = [await market.provider(), await market.buyer()];
  await market.meet(buyer.host, provider.host);
  return { provider, buyer };
}

/** Sum of what the buyer says its requests cost. */
function paid({ buyer }: TestBuyer): bigint {
  return buyer.requests(10_000).reduce((sum, { cost }) => sum + cost, 0n);
}

async function vouchersArrived({ node }: TestProvider, buyer: TestBuyer): Promise<void> {
  await until("the voucher is taken", () => node.state().vouchered === buyer.buyer.money().owed);
}

const silent = { onText: () => undefined };

test("an answer costs its tokens, and settling turns the voucher into money once", async () => {
  const { provider, buyer } = await pair();
  const answer = await buyer.buyer.ask(askFor("hello", 20), silent);
  expect(answer.usage).toEqual({ promptTokens: 5, cachedTokens: 0, outputTokens: 20 });
  expect(answer.cost).toBe(25n);
  await vouchersArrived(provider, buyer);
  expect(await provider.node.settle()).toMatchObject({ epoch: 1, claimed: 25n, receipts: 1 });
  expect(await provider.node.settle()).toMatchObject({ epoch: null, claimTx: null, claimed: 0n, receipts: 0 });
  expect(await provider.chain.channels.earned(provider.account)).toBe(25n);
});

/** Repeatable randomness; a failing run is the same run again. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test("receipts, vouchers and claims agree to the unit over answered, cancelled and failed requests", async () => {
  const { provider, buyer } = await pair();
  const random = randomOf(7);
  const requests = Array.from({ length: 60 }, async (_, index) => {
    await new Promise((resolve) => setTimeout(resolve, index * 8));
    const kind = random();
    const content = kind < 0.15 ? "fail" : kind < 0.3 ? "fail late" : kind < 0.65 ? "slowly" : "at once";
    const abort = new AbortController();
    if (content === "slowly") {
      // From before anything was accepted until long after the end.
      setTimeout(() => abort.abort(), random() * 80);
    }
    await buyer.buyer.ask(askFor(content, 1 + Math.floor(random() * 60)), silent, abort.signal).catch(() => undefined);
  });
  await Promise.all(requests);
  await until("every receipt is vouchered", () => {
    const { owed, vouchered } = provider.node.state();
    return owed === vouchered && vouchered === buyer.buyer.money().owed;
  });
  expect(paid(buyer)).toBe(provider.node.state().owed);
  const { claimed } = await provider.node.settle();
  expect(claimed).toBe(paid(buyer));
  expect(await provider.chain.channels.earned(provider.account)).toBe(paid(buyer));
  await until("nothing is open", () => buyer.buyer.requests(1_000).every(({ reserved }) => reserved === 0n));
  const states = new Set(buyer.buyer.requests(1_000).map(({ state }) => state));
  expect([...states].sort()).toEqual(["done", "failed"]);
  expect(buyer.buyer.spent("test")).toBe(paid(buyer));
}, 30_000);

describe("a provider that restarts", () => {
  test("serves on and claims what it is owed", async () => {
    const { provider, buyer } = await pair();
    await buyer.buyer.ask(askFor("one", 10), silent);
    await vouchersArrived(provider, buyer);
    const before = provider.node.state();
    await provider.restart();
    expect(provider.node.state()).toMatchObject({ owed: before.owed, vouchered: before.vouchered, receipts: 1 });
    await market.meet(buyer.host, provider.host);
    await buyer.buyer.ask(askFor("two", 10), silent);
    await vouchersArrived(provider, buyer);
    expect((await provider.node.settle()).claimed).toBe(26n);
  });

  test("is paid nothing for an answer whose receipt it lost, and the buyer is told", async () => {
    const { provider, buyer } = await pair();
    const work = buyer.buyer.ask(askFor("slowly", 400), {
      onText: () => {
        provider.crash().catch(() => undefined);
        return undefined;
      },
    });
    await expect(work).rejects.toMatchObject({ code: "answer.brokeOff", metadata: { reason: "network.linkClosed" } });
    await provider.restart();
    await market.meet(buyer.host, provider.host);
    await until("the two have compared notes", () => buyer.host.link(provider.host.peerId) !== undefined);
    expect(paid(buyer)).toBe(0n);
    expect(provider.node.state()).toMatchObject({ owed: 0n, receipts: 0 });
    expect((await provider.node.settle()).claimed).toBe(0n);
  });
});

describe("a buyer that restarts", () => {
  test("pays the receipt whose end it did not see, once", async () => {
    const { provider, buyer } = await pair();
    const lost = buyer.buyer.ask(askFor("slowly", 40), {
      onText: () => {
        buyer.crash().catch(() => undefined);
        return undefined;
      },
    });
    await lost.catch(() => undefined);
    await until("the provider has its receipt", () => provider.node.state().receipts === 1);
    const { owed } = provider.node.state();
    expect(owed).toBeGreaterThan(6n);
    for (let i = 0; i < 3; i++) {
      await buyer.restart();
      await market.meet(buyer.host, provider.host);
      await until("the receipt is paid", () => buyer.buyer.money().owed === owed);
    }
    await vouchersArrived(provider, buyer);
    expect(buyer.buyer.requests(10)).toMatchObject([
      { state: "done", cost: owed, fault: expect.stringContaining("not seen") },
    ]);
    expect((await provider.node.settle()).claimed).toBe(owed);
  });
});

test("a lost link in the middle of an answer is settled when the link is back", async () => {
  const { provider, buyer } = await pair();
  const lost = buyer.buyer.ask(askFor("slowly", 60), {
    onText: () => {
      buyer.host.link(provider.host.peerId)?.close("a test pulled the cable");
      return undefined;
    },
  });
  await expect(lost).rejects.toMatchObject({ code: "answer.brokeOff", metadata: { reason: "network.linkClosed" } });
  await until("the provider has its receipt", () => provider.node.state().receipts === 1);
  await market.meet(buyer.host, provider.host);
  await until("the receipt is paid", () => buyer.buyer.money().owed > 0n);
  await vouchersArrived(provider, buyer);
  expect(buyer.buyer.money().owed).toBe(provider.node.state().owed);
  expect(buyer.buyer.requests(1)[0]).toMatchObject({ state: "done", reserved: 0n });
});

test("a request that is cancelled before its ACCEPT does not spoil the provider's nonces", async () => {
  const { provider, buyer } = await pair();
  await buyer.buyer.ask(askFor("hello", 2), silent);
  for (let i = 0; i < 12; i++) {
    const abort = new AbortController();
    const given = buyer.buyer.ask(askFor("slowly", 20), silent, abort.signal);
    // In the turn in which the provider takes it: the ACCEPT, if it is sent, crosses the CANCEL.
    while (provider.node.state().inFlight === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    abort.abort();
    await given.catch(() => undefined);
  }
  expect(await buyer.buyer.ask(askFor("hello", 2), silent)).toMatchObject({ stopReason: "length" });
  expect(buyer.log.filter(({ code }) => code === "provider.badNonce")).toEqual([]);
  expect(provider.node.state().owed).toBe(paid(buyer));
}, 30_000);

test("a channel that runs low is topped up in time, and no request is refused for it", async () => {
  // More than the buyer's own estimate leaves unused.
  const provider = await market.provider({ depositMargin: microUsd(400) });
  const buyer = await market.buyer({ channelDeposit: microUsd(1_500) });
  await market.meet(buyer.host, provider.host);
  for (let i = 0; i < 25; i++) {
    await buyer.buyer.ask(askFor("hello", 200), silent);
  }
  expect(buyer.buyer.money()).toMatchObject({ owed: 25n * 205n, channels: 1 });
  expect(provider.log.filter(({ code }) => String(code).startsWith("payment."))).toEqual([]);
  await vouchersArrived(provider, buyer);
  expect((await provider.node.settle()).claimed).toBe(25n * 205n);
}, 30_000);

describe("a provider that lies", () => {
  test("about its prompt's length is paid by the buyer's count, and left out", async () => {
    const honest = createWordEngine();
    const liar = await market.provider(
      {},
      {
        ...honest,
        generate: async (options, onDelta) => ({ ...(await honest.generate(options, onDelta)), promptTokens: 5_000 }),
      },
    );
    const buyer = await market.buyer();
    await market.meet(buyer.host, liar.host);
    const answer = await buyer.buyer.ask(askFor("hello", 20), silent);
    expect(answer.cost).toBe(25n);
    expect(buyer.buyer.request(answer.requestId)).toMatchObject({
      state: "disputed",
      cost: 25n,
      fault: expect.stringContaining("promptTokens is 5000, the buyer counted 5"),
    });
    await vouchersArrived(liar, buyer);
    expect(liar.node.state().owed).toBe(5_020n);
    expect((await liar.node.settle()).claimed).toBe(25n);
  });

  test("by sending more tokens than were asked for is cut off at the limit", async () => {
    const honest = createWordEngine();
    const liar = await market.provider(
      {},
      { ...honest, generate: (options, onDelta) => honest.generate({ ...options, maxTokens: 500 }, onDelta) },
    );
    const buyer = await market.buyer();
    await market.meet(buyer.host, liar.host);
    await expect(buyer.buyer.ask(askFor("hello", 20), silent)).rejects.toMatchObject({
      code: "answer.brokeOff",
      message: expect.stringContaining("20 tokens"),
      metadata: { reason: "provider.misbehaved" },
    });
    await until("the request is closed", () => buyer.buyer.requests(1)[0]?.reserved === 0n);
    expect(buyer.buyer.money().owed).toBeLessThanOrEqual(300n);
  });

  test("about its nonces is refused before it is paid anything", async () => {
    const liar = await market.provider({}, createWordEngine(), {
      headFor: () => toHex(randomBytes(32)),
      next: () => ({ nonce: toHex(randomBytes(32)), announce: null }),
    });
    const buyer = await market.buyer();
    await market.meet(buyer.host, liar.host);
    await expect(buyer.buyer.ask(askFor("hello", 20), silent)).rejects.toThrow("does not continue the chain");
    expect(buyer.buyer.money().owed).toBe(0n);
  });

  test("with a signature that no key can have made is paid once, and the answer is not bought again", async () => {
    const liar = await market.provider({}, createWordEngine(), undefined, `0x${"00".repeat(65)}`);
    const buyer = await market.buyer();
    await market.meet(buyer.host, liar.host);
    let said = "";
    const answer = await buyer.buyer.ask(askFor("hello", 5), {
      onText(text) {
        said += text;
        return undefined;
      },
    });
    expect(said.trim().split(" ")).toHaveLength(5);
    expect(buyer.buyer.requests(10)).toHaveLength(1);
    expect(buyer.buyer.request(answer.requestId)).toMatchObject({
      state: "disputed",
      fault: expect.stringContaining("malformed"),
    });
  });
});

describe("a budget", () => {
  test("is not passed by many requests at once", async () => {
    const { buyer } = await pair();
    const budget = microUsd(2_000);
    const all = await Promise.allSettled(
      Array.from({ length: 24 }, () => buyer.buyer.ask(askFor("slowly", 100, { account: "poor", budget }), silent)),
    );
    const refused = all.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    for (const result of refused) {
      expect(result).toMatchObject({ reason: { code: "budget.exhausted", remedy: expect.stringContaining("budget") } });
    }
    expect(all.some(({ status }) => status === "fulfilled")).toBe(true);
    expect(buyer.buyer.spent("poor")).toBeLessThanOrEqual(budget);
  });
});

describe("settlement", () => {
  test("posts and claims again what the chain forgot, and no more", async () => {
    const { provider, buyer } = await pair();
    await buyer.buyer.ask(askFor("hello", 20), silent);
    await vouchersArrived(provider, buyer);
    const back = await market.snapshot();
    expect(await provider.node.settle()).toMatchObject({ epoch: 1, claimed: 25n });
    await back();
    expect(await provider.chain.receipts.lastEpoch(provider.account)).toBe(0);
    expect(await provider.chain.channels.earned(provider.account)).toBe(0n);
    expect(await provider.node.settle()).toMatchObject({ epoch: 1, claimed: 25n, receipts: 1 });
    expect(await provider.node.settle()).toMatchObject({ epoch: null, claimed: 0n });
    expect(await provider.chain.channels.earned(provider.account)).toBe(25n);
  });

  test("puts each receipt under exactly one root, and the root's totals are theirs", async () => {
    const { provider, buyer } = await pair();
    let sum = 0n;
    for (const count of [1, 3]) {
      for (let i = 0; i < count; i++) {
        sum += (await buyer.buyer.ask(askFor("hello", 7), silent)).cost;
      }
      await provider.node.settle();
    }
    const link = await buyer.host.dial(provider.host.addresses);
    let shown = 0n;
    const seen = new Set<string>();
    for (const epoch of [1, 2]) {
      const posted = await market.chain.receipts.epoch(provider.account, epoch);
      const { receipts } = await query(link, { method: "epoch", epoch }, epochReportSchema);
      const binding = { chainId: market.chain.deployment.chainId, verifyingContract: market.chain.receipts.address };
      expect(posted).toMatchObject({
        count: receipts.length,
        root: toHex(merkleRoot(receipts.map(({ receipt }) => receiptDigest(receipt, binding)))),
        totalCost: receipts.reduce((total, { receipt }) => total + receipt.cost, 0n),
      });
      shown += posted?.totalCost ?? 0n;
      for (const { receipt } of receipts) {
        seen.add(receipt.requestId);
      }
    }
    expect(shown).toBe(sum);
    expect(seen.size).toBe(4);
  });
});
