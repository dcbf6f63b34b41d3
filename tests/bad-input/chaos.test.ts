import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { askFor, type Market, startMarket, until } from "./market.ts";

/* Links close at any moment. Nothing may be thrown where nobody catches it, and the books must agree afterwards. */

let market: Market;
const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeAll(async () => {
  market = await startMarket();
}, 60_000);
afterAll(() => market.stop(), 30_000);
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note);
});
afterEach(() => {
  process.removeListener("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

const silent = { onText: () => undefined };

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each([1, 2, 3])(
  "links that close at random moments cost nobody more than what was under way, seed %i",
  async (seed) => {
    const random = randomOf(seed);
    const providers = [await market.provider(), await market.provider()];
    const buyer = await market.buyer();
    for (const { host } of providers) {
      await market.meet(buyer.host, host);
    }
    let running = true;
    const cutting = (async () => {
      while (running) {
        await new Promise((resolve) => setTimeout(resolve, 5 + random() * 60));
        const side = random() < 0.5 ? buyer.host : providers[random() < 0.5 ? 0 : 1]?.host;
        const links = side?.links() ?? [];
        links[Math.floor(random() * links.length)]?.close("cut by a test");
      }
    })();
    const texts: string[] = [];
    await Promise.all(
      Array.from({ length: 25 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, index * 20));
        let text = "";
        const onText = (piece: string) => {
          text += piece;
          return undefined;
        };
        const abort = new AbortController();
        if (random() < 0.3) {
          setTimeout(() => abort.abort(), random() * 60);
        }
        await buyer.buyer.ask(askFor("slowly", 40), { onText }, abort.signal).catch(() => undefined);
        texts.push(text);
      }),
    );
    running = false;
    await cutting;
    for (const { host } of providers) {
      await market.meet(buyer.host, host);
    }
    await until("nothing is open", () => buyer.buyer.requests(1_000).every(({ reserved }) => reserved === 0n));
    await until("vouchers have arrived", () => {
      const vouchered = providers.reduce((sum, { node }) => sum + node.state().vouchered, 0n);
      return vouchered === buyer.buyer.money().owed;
    });
    // No answer is longer than what was asked for: nothing was said twice to a client.
    expect(Math.max(...texts.map((text) => text.trim().split(" ").length))).toBeLessThanOrEqual(40);
    const paid = buyer.buyer.requests(1_000).reduce((sum, { cost }) => sum + cost, 0n);
    expect(paid).toBe(buyer.buyer.money().owed);
    for (const { node } of providers) {
      const { vouchered, owed } = node.state();
      expect(vouchered).toBeLessThanOrEqual(owed);
      expect((await node.settle()).claimed).toBe(vouchered);
    }
  },
  40_000,
);

test("both sides stop while requests run", async () => {
  const [provider, buyer] = [await market.provider(), await market.buyer()];
  await market.meet(buyer.host, provider.host);
  const work = Array.from({ length: 4 }, () => buyer.buyer.ask(askFor("slowly", 300), silent).catch(() => "failed"));
  await until("they run", () => provider.node.state().inFlight === 4);
  await Promise.all([buyer.crash(), provider.crash()]);
  await Promise.all(work);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await Promise.all([buyer.restart(), provider.restart()]);
  await market.meet(buyer.host, provider.host);
  expect((await buyer.buyer.ask(askFor("hello", 5), silent)).usage.outputTokens).toBe(5);
});

test("a provider that vanishes before its first token is replaced, and is paid nothing", async () => {
  const [first, second] = [await market.provider(), await market.provider()];
  const buyer = await market.buyer();
  for (const { host } of [first, second]) {
    await market.meet(buyer.host, host);
  }
  let accepted = 0;
  let gone: typeof first | undefined;
  const answer = await buyer.buyer.ask(askFor("slowly", 10), {
    onAccept({ offer }) {
      accepted += 1;
      if (accepted === 1) {
        gone = offer.provider === first.account ? first : second;
        buyer.host.link(offer.peerId)?.close("gone between ACCEPT and the first token");
      }
    },
    onText: () => undefined,
  });
  expect(accepted).toBe(2);
  expect(answer.offer.provider).not.toBe(gone?.account);
  const [paid, lost] = [
    buyer.buyer.requests(10).find(({ state }) => state === "done"),
    buyer.buyer.requests(10).find(({ state }) => state === "failed"),
  ];
  expect(paid?.cost).toBe(answer.cost);
  expect(lost).toMatchObject({ provider: gone?.account, cost: 0n, reserved: 0n });
});

test("a chain that is away for a while stops nobody from serving, and top-ups are seen once it is back", async () => {
  const [provider, buyer] = [await market.provider(), await market.buyer()];
  await market.meet(buyer.host, provider.host);
  await buyer.buyer.ask(askFor("hello", 5), silent);
  const resume = market.freezeChain();
  try {
    const answer = await buyer.buyer.ask(askFor("hello", 5), silent);
    expect(answer.cost).toBe(10n);
  } finally {
    resume();
  }
  await buyer.buyer.ask(askFor("hello", 5), silent);
  await until("the vouchers have arrived", () => provider.node.state().vouchered === 30n);
  expect((await provider.node.settle()).claimed).toBe(30n);
}, 40_000);
