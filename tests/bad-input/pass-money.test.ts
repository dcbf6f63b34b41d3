import { microUsd } from "@depinfer/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askFor, type Market, startMarket, until } from "./market.ts";

/* A pass pays a provider by ordinary vouchers: the contract is the payer, and the wallet only sends transactions. */

let market: Market;
beforeAll(async () => {
  market = await startMarket();
}, 60_000);
afterAll(() => market.stop(), 30_000);

const silent = { onText: () => undefined };

test("answers bought with a pass are paid from it at its flat price, and the wallet is not touched", async () => {
  const provider = await market.provider({ passFloor: microUsd(900_000) });
  const buyer = await market.buyer();
  await market.meet(buyer.host, provider.host);
  const { chain, account } = buyer;
  const { minPeriod } = await chain.passes.terms();
  const { tierId } = await chain.passes.createTier({
    price: 32_000n,
    periodSeconds: Math.max(minPeriod, 86_400),
    quota: 30_000n,
    requestsPerMinute: 60,
    modelsHash: `0x${"00".repeat(32)}`,
    metadata: "{}",
  });
  await chain.usd.approve(chain.passes.address, 1_000_000n);
  const { passId } = await chain.passes.buy(tierId, { operator: account, signer: account, maxPrice: 32_000n });
  const tier = await chain.passes.tier(tierId);
  const wallet = await chain.usd.balanceOf(account);
  const pass = { id: passId, unitsPerMillion: microUsd(tier?.unitsPerMillion ?? 0n) };
  expect(pass.unitsPerMillion).toBeGreaterThan(900_000n);

  const answer = await buyer.buyer.ask(askFor("hello", 20, { pass }), silent);
  expect(answer.cost).toBe((25n * pass.unitsPerMillion) / 1_000_000n);
  await buyer.buyer.ask(askFor("hello", 20, { pass }), silent);
  const [channel] = buyer.buyer.channels();
  expect(channel).toMatchObject({ pass: passId, owed: 2n * answer.cost });
  expect(channel?.config.payer).toBe(chain.passes.address);
  await until("the vouchers are taken", () => provider.node.state().vouchered === 2n * answer.cost);
  expect((await provider.node.settle()).claimed).toBe(2n * answer.cost);
  expect(await chain.usd.balanceOf(account)).toBe(wallet);
  expect(buyer.buyer.statement({ since: 0, until: Date.now() + 1 })).toMatchObject([{ pass: passId, requests: 2 }]);

  // Its contract takes it back, not the buyer.
  await expect(buyer.buyer.withdraw(channel?.id ?? "0x")).rejects.toMatchObject({ code: "channel.ofPass" });
}, 60_000);

test("a pass that does not exist, or that pays too little, is refused in words before anything is bought", async () => {
  const provider = await market.provider();
  const buyer = await market.buyer();
  await market.meet(buyer.host, provider.host);
  const none = { id: 4_242n, unitsPerMillion: microUsd(2_000_000) };
  await expect(
    buyer.buyer.ask(
      askFor("hello", 20, { pass: none, policy: { model: "words", providers: [provider.account] } }),
      silent,
    ),
  ).rejects.toMatchObject({ code: "pass.notActive" });
  const cheap = { id: 1n, unitsPerMillion: microUsd(5) };
  await expect(buyer.buyer.ask(askFor("hello", 20, { pass: cheap }), silent)).rejects.toMatchObject({
    code: "route.noProvider",
    message: expect.stringContaining("the pass pays 5"),
  });
  expect(buyer.buyer.requests(10)).toEqual([]);
}, 60_000);
