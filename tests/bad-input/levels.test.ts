import type { Engine, EngineDescription } from "@depinfer/inference";
import { classId, NO_SAMPLER, type Offer } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWordEngine } from "./engine.ts";
import { askFor, type Market, startMarket, type TestBuyer, type TestProvider } from "./market.ts";

/* Buyers that demand a level of proof, on a market whose providers offer less, claim what they cannot, or break it. */

const words = createWordEngine();

function describedAs(changes: Partial<EngineDescription>, engine: Engine = words): Engine {
  return { ...engine, description: { ...engine.description, ...changes } };
}

const opaque = { ...words.description.runtimeClass, sampler: NO_SAMPLER };
const upstream = (proofLevel: "none" | "greedy" | "seeded") =>
  describedAs({ runtimeClass: opaque, classId: classId(opaque), proofLevel });

/** Offers `seeded` and signs for `none`: its level is read when the offer is made and again for each receipt. */
function breakingItsWord(): Engine {
  const { description } = words;
  let asked = 0;
  return {
    ...words,
    get description() {
      asked += 1;
      return asked > offersRead ? { ...description, proofLevel: "none" as const } : description;
    },
  };
}
/** How often the description is read before the first request, at most. */
const offersRead = 3;

let market: Market;
beforeAll(async () => {
  market = await startMarket();
}, 60_000);
afterAll(() => market.stop(), 30_000);

async function trading(engine: Engine): Promise<{ provider: TestProvider; buyer: TestBuyer }> {
  const provider = await market.provider({}, engine);
  const buyer = await market.buyer();
  await market.meet(buyer.host, provider.host);
  return { provider, buyer };
}

const ask = ({ buyer }: TestBuyer, policy: Parameters<typeof askFor>[2] = {}) =>
  buyer.ask(askFor("hello", 5, policy), { onText: () => undefined });

describe("a buyer that demands a level", () => {
  test("buys where it is offered, and the receipt says it", async () => {
    const { buyer } = await trading(words);
    const { requestId } = await ask(buyer, { policy: { model: "words", minProofLevel: "seeded" } });
    expect(buyer.buyer.request(requestId)?.signed?.receipt.proofLevel).toBe("seeded");
  });

  test("does not buy below it, and says why", async () => {
    const { buyer } = await trading(upstream("none"));
    await expect(ask(buyer, { policy: { model: "words", minProofLevel: "greedy" } })).rejects.toMatchObject({
      code: "route.noProvider",
      message: expect.stringContaining("its proof level is none, wanted is at least greedy"),
    });
    expect((await ask(buyer)).stopReason).toBe("length");
  });

  test("gets greedy at temperature 0, none above it, and each receipt says which", async () => {
    const { buyer } = await trading(upstream("greedy"));
    const policy = { model: "words", minProofLevel: "greedy", temperature: 0 } as const;
    const body = (temperature: number) =>
      Buffer.from(JSON.stringify({ model: "words", messages: [{ role: "user", content: "hello" }], temperature }));
    const levelAt = async (temperature: number, demanded: object) => {
      const { requestId } = await ask(buyer, { body: body(temperature), policy: { model: "words", ...demanded } });
      return buyer.buyer.request(requestId)?.signed?.receipt.proofLevel;
    };
    expect(await levelAt(0, policy)).toBe("greedy");
    expect(await levelAt(1, {})).toBe("none");
    await expect(levelAt(1, { ...policy, temperature: 1 })).rejects.toMatchObject({
      code: "route.noProvider",
      message: expect.stringContaining("holds at temperature 0 only"),
    });
  });

  test("refuses a receipt that promises less, does not ask that provider again, and pays what it counted", async () => {
    const { buyer, provider } = await trading(breakingItsWord());
    await expect(ask(buyer, { policy: { model: "words", minProofLevel: "seeded" } })).rejects.toMatchObject({
      code: "receipt.levelTooLow",
    });
    const [request] = buyer.buyer.requests(1);
    expect(request).toMatchObject({ state: "disputed", fault: expect.stringContaining("proofLevel is none") });
    expect(request?.cost).toBeGreaterThan(0n);
    const decided = await ask(buyer, { policy: { model: "words", minProofLevel: "attested" } }).catch(String);
    expect(decided).toContain(provider.account);
  });
});

test("an offer that claims what its class cannot carry is heard by nobody", async () => {
  const liar = await market.provider({}, upstream("seeded"));
  const buyer = await market.buyer();
  await buyer.host.dial(liar.host.addresses);
  const honest = await market.provider();
  await market.meet(buyer.host, honest.host);
  await expect.poll(() => liar.log.map(({ message }) => message).join()).toContain("the offer could not be announced");
  expect(buyer.host.offers.offers().map((offer: Offer) => offer.provider)).toEqual([honest.account]);
});
