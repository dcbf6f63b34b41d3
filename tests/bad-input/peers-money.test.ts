import { microUsd } from "@depinfer/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createWordEngine } from "./engine.ts";
import { askFor, type Market, startMarket, type TestBuyer, type TestProvider, until } from "./market.ts";

/*
 * What users of other markets lost money by, each as a scenario that ends well here. Prices are a unit a token; the notice
 * of a channel is three seconds, so that an exit can be watched.
 */

let market: Market;
beforeAll(async () => {
  market = await startMarket();
}, 60_000);
afterAll(() => market.stop(), 30_000);

const silent = { onText: () => undefined };
const NOTICE_S = 3;

async function pair(): Promise<{ provider: TestProvider; buyer: TestBuyer }> {
  const [provider, buyer] = [await market.provider(), await market.buyer({ withdrawDelay: NOTICE_S })];
  await market.meet(buyer.host, provider.host);
  return { provider, buyer };
}

/** The buyer's only channel. */
function channelOf({ buyer }: TestBuyer) {
  const [channel] = buyer.channels();
  if (channel === undefined) {
    throw new Error("the buyer has no channel");
  }
  return channel;
}

async function leave(buyer: TestBuyer): Promise<bigint> {
  await buyer.buyer.withdraw(channelOf(buyer).id);
  let returned = 0n;
  await until("the rest is back", async () => {
    returned += (await buyer.buyer.finishWithdrawals()).returned;
    return buyer.buyer.channels().length === 0;
  });
  return returned;
}

const wallet = (buyer: TestBuyer) => buyer.chain.usd.balanceOf(buyer.account);

test("a deposit locked by a provider that never comes back: the buyer takes it out alone", async () => {
  const { provider, buyer } = await pair();
  const before = await wallet(buyer);
  await buyer.buyer.ask(askFor("hello", 20), silent);
  await provider.crash();
  expect(await leave(buyer)).toBe(20_000n);
  expect(await wallet(buyer)).toBe(before);
}, 20_000);

test("an exit lost by a restart: it is on disk before it is announced, and goes on", async () => {
  const { buyer } = await pair();
  const before = await wallet(buyer);
  await buyer.buyer.ask(askFor("hello", 20), silent);
  const { id } = channelOf(buyer);
  await buyer.buyer.withdraw(id);
  await until("what is owed is claimed", async () => (await buyer.chain.channels.state(id)).settled === 25n);
  await buyer.restart();
  expect(channelOf(buyer)).toMatchObject({ id, leaving: true, state: "withdrawing" });
  await until("the rest is back", async () => {
    await buyer.buyer.finishWithdrawals();
    return buyer.buyer.channels().length === 0;
  });
  expect(before - (await wallet(buyer))).toBe(25n);
  expect(await buyer.chain.channels.freeBalance(buyer.account)).toBe(0n);
}, 20_000);

test("a payer that leaves while vouchers are unclaimed: they are claimed at once, without a command", async () => {
  const { provider, buyer } = await pair();
  await buyer.buyer.ask(askFor("hello", 20), silent);
  await until("the voucher is taken", () => provider.node.state().vouchered === 25n);
  await buyer.buyer.withdraw(channelOf(buyer).id);
  await until("it is claimed", async () => (await provider.chain.channels.earned(provider.account)) === 25n);
}, 20_000);

test("a seller that serves beyond the reserve: the channel of a payer that leaves serves nothing more", async () => {
  const { provider, buyer } = await pair();
  await buyer.buyer.ask(askFor("hello", 20), silent);
  const { id } = channelOf(buyer);
  await buyer.buyer.withdraw(id);
  // The next request pays by a new channel; nothing more is owed on the old one.
  await buyer.buyer.ask(askFor("hello", 20), silent);
  await buyer.buyer.stop();
  expect(buyer.buyer.channels().map(({ owed }) => owed)).toEqual([25n, 25n]);
  await until("both vouchers are taken", () => provider.node.state().vouchered === 50n);
}, 20_000);

test("a top-up that resets a pending close: the exit stays announced", async () => {
  const { buyer } = await pair();
  await buyer.buyer.ask(askFor("hello", 20), silent);
  const { id, config } = channelOf(buyer);
  const { withdrawAt } = await buyer.buyer.withdraw(id);
  await buyer.chain.channels.topUp(config, 500n);
  expect((await buyer.chain.channels.state(id)).withdrawAt).toBe(withdrawAt);
}, 20_000);

test("an id that is used again after its close: a closed channel is never paid from or opened again", async () => {
  const { buyer, provider } = await pair();
  await buyer.buyer.ask(askFor("hello", 20), silent);
  const { id, config } = channelOf(buyer);
  await until("the voucher is taken", () => provider.node.state().vouchered === 25n);
  await leave(buyer);
  await expect(buyer.chain.channels.open(config, 100n)).rejects.toMatchObject({ errorName: "ChannelExists" });
  await buyer.buyer.ask(askFor("hello", 20), silent);
  expect(channelOf(buyer).id).not.toBe(id);
}, 20_000);

test("a channel that a reorganisation took: it is opened again under its id, and its vouchers still count", async () => {
  const { provider, buyer } = await pair();
  const back = await market.snapshot();
  await buyer.buyer.ask(askFor("hello", 20), silent);
  await until("the voucher is taken", () => provider.node.state().vouchered === 25n);
  const { id } = channelOf(buyer);
  await back();
  await until("the provider saw it", async () => (await buyer.chain.channels.state(id)).status === "none");
  // Until the provider reads of it, it serves on what was confirmed; then it refuses, and the buyer looks.
  await until("the channel is there again", async () => {
    await buyer.buyer.ask(askFor("hello", 20), silent);
    return (await buyer.chain.channels.state(id)).status === "open";
  });
  expect(channelOf(buyer).id).toBe(id);
  await buyer.buyer.stop();
  const { owed } = channelOf(buyer);
  await until("the voucher is taken", () => provider.node.state().vouchered === owed);
  expect((await provider.node.settle()).claimed).toBe(owed);
}, 30_000);

test("a restart that serves free: a provider without its memory asks for the voucher first", async () => {
  const { provider, buyer } = await pair();
  await buyer.buyer.ask(askFor("hello", 20), silent);
  await provider.restart();
  await market.meet(buyer.host, provider.host);
  await buyer.buyer.ask(askFor("hello", 20), silent);
  await until("all is vouchered", () => provider.node.state().vouchered === 50n);
  expect((await provider.node.settle()).claimed).toBe(50n);
}, 20_000);

test("a payment loop: a provider that refuses payment for ever costs two tries, and nothing is put in for it", async () => {
  // Its margin is more than any deposit leaves.
  const provider = await market.provider({ depositMargin: microUsd(10_000_000) });
  const buyer = await market.buyer();
  await market.meet(buyer.host, provider.host);
  await expect(buyer.buyer.ask(askFor("hello", 20), silent)).rejects.toMatchObject({
    code: "payment.notSettled",
    remedy: expect.stringContaining("money where"),
  });
  expect(buyer.buyer.requests(10).length).toBeLessThanOrEqual(3);
  expect(buyer.buyer.money()).toMatchObject({ deposited: 20_000n, channels: 1 });
  expect(buyer.buyer.spent("test")).toBe(0n);
}, 20_000);

test("settling that takes the maximum: exactly what was vouchered is claimed, however much is deposited", async () => {
  const { provider, buyer } = await pair();
  await buyer.buyer.ask(askFor("hello", 20), silent);
  await until("the voucher is taken", () => provider.node.state().vouchered === 25n);
  expect((await provider.node.settle()).claimed).toBe(25n);
  expect((await buyer.chain.channels.state(channelOf(buyer).id)).deposit).toBe(20_000n);
}, 20_000);

test("a close of nothing that counts as work: a channel without answers earns nothing and posts no epoch", async () => {
  const { provider, buyer } = await pair();
  await buyer.buyer.ask(askFor("fail", 20), silent).catch(() => undefined);
  expect(await provider.node.settle()).toMatchObject({ epoch: null, claimed: 0n, receipts: 0 });
  expect(await leave(buyer)).toBe(20_000n);
  expect(provider.node.state()).toMatchObject({ receipts: 0, owed: 0n });
}, 20_000);

test("usage that is missing from a stream: what was streamed is counted by its ids, and paid", async () => {
  const { provider, buyer } = await pair();
  let text = "";
  const answer = await buyer.buyer.ask(askFor("hello", 33), {
    onText(piece) {
      text += piece;
      return undefined;
    },
  });
  expect(answer.usage.outputTokens).toBe(33);
  expect(text.trim().split(" ")).toHaveLength(33);
  expect(answer.cost).toBe(38n);
  expect(provider.node.state().owed).toBe(38n);
}, 20_000);

test("characters counted as tokens: a provider that says so is paid by tokens", async () => {
  const honest = createWordEngine();
  const liar = await market.provider(
    {},
    {
      ...honest,
      async generate(options, onDelta) {
        const completion = await honest.generate(options, onDelta);
        return { ...completion, promptTokens: 4 * completion.promptTokens };
      },
    },
  );
  const buyer = await market.buyer();
  await market.meet(buyer.host, liar.host);
  expect((await buyer.buyer.ask(askFor("hello", 20), silent)).cost).toBe(25n);
}, 20_000);

test("a buyer that always cancels: what it does not pay has a limit over all of its requests", async () => {
  const provider = await market.provider({ creditWindow: microUsd(300) });
  const buyer = await market.buyer();
  await market.meet(buyer.host, provider.host);
  const stolen: number[] = [];
  for (let i = 0; i < 12; i++) {
    const abort = new AbortController();
    let got = 0;
    const onText = () => {
      got += 1;
      if (got === 4) {
        // It has this much, and says through its client that it has nothing.
        abort.abort();
      }
      return undefined;
    };
    await buyer.buyer.ask(askFor("slowly", 200), { onText }, abort.signal).catch(() => undefined);
    stolen.push(got);
  }
  await until("everything is settled between the two", () =>
    buyer.buyer.requests(100).every(({ reserved }) => reserved === 0n),
  );
  const { owed, vouchered } = provider.node.state();
  expect(owed - vouchered).toBeLessThanOrEqual(300n);
}, 40_000);

test("many answers are paid by few vouchers, and by all of them in the end", async () => {
  const provider = await market.provider();
  const buyer = await market.buyer({ voucherEveryUnits: microUsd(1_000), voucherEveryMs: 60_000 });
  await market.meet(buyer.host, provider.host);
  for (let i = 0; i < 10; i++) {
    await buyer.buyer.ask(askFor("hello", 20), silent);
  }
  expect(provider.node.state()).toMatchObject({ owed: 250n, vouchered: 0n });
  await buyer.buyer.stop();
  await until("the last voucher is there", () => provider.node.state().vouchered === 250n);
}, 20_000);
