import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recoverAddress } from "@depinfer/chain";
import type { Engine, EngineDescription } from "@depinfer/inference";
import { createOnnxEngine, createTensorProvider, type TensorEngine, verifyTensors } from "@depinfer/inference/onnx";
import {
  classId,
  type NamedTensors,
  NO_SAMPLER,
  type Offer,
  parseTensorText,
  tensorsToJson,
  utf8,
} from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INPUT_SIZE, numbers, tinyOnnxModel } from "../../packages/inference/src/testing/onnx-model.ts";
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

  test("is refused by a provider that cannot meet what the body demands, which would sign for its own failure", async () => {
    const { buyer, provider } = await trading(upstream("greedy"));
    const body = (temperature: number, min: string) =>
      utf8(JSON.stringify({ model: "words", messages: [{ role: "user", content: "x" }], temperature, proof: { min } }));
    for (const [temperature, min] of [
      [0, "seeded"],
      [1, "greedy"],
    ] as const) {
      await expect(ask(buyer, { body: body(temperature, min) })).rejects.toMatchObject({
        message: expect.stringContaining(`The request demands at least ${min}, this provider's answer would be`),
      });
    }
    expect((await ask(buyer, { body: body(0, "greedy") })).offer.provider).toBe(provider.account);
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

describe("tensors", () => {
  const folder = mkdtempSync(join(tmpdir(), "levels-"));
  const inputs: NamedTensors = {
    x: { type: "float32", shape: [1, INPUT_SIZE], bytes: new Uint8Array(numbers(3, INPUT_SIZE).buffer) },
  };
  const infer = (extra: object = {}) => ({
    endpoint: "infer" as const,
    body: utf8(JSON.stringify({ model: "tiny", inputs: tensorsToJson(inputs), ...extra })),
    maxTokens: 100,
    policy: { model: "tiny", minProofLevel: "replay" } as const,
  });
  let engine: TensorEngine;
  beforeAll(async () => {
    const modelPath = join(folder, "tiny.onnx");
    writeFileSync(modelPath, tinyOnnxModel());
    engine = await createOnnxEngine({ modelPath, modelName: "tiny" });
  });
  afterAll(async () => {
    await engine.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  test("are bought, paid by the word, and checked bit by bit from what the buyer keeps", async () => {
    const { buyer, provider } = await trading(createTensorProvider(engine));
    let text = "";
    const { requestId, cost, usage } = await buyer.buyer.ask(askFor("", 100, infer()), {
      onText(piece) {
        text += piece;
        return undefined;
      },
    });
    expect(parseTensorText(text)).toEqual(await engine.infer(inputs));
    expect(usage).toEqual({ promptTokens: INPUT_SIZE, cachedTokens: 0, outputTokens: 10 });
    expect(cost).toBe(BigInt(INPUT_SIZE + 10));
    const [stored, transcript] = [buyer.buyer.request(requestId), buyer.buyer.transcript(requestId)];
    const operator = await market.chain.registry.byOperator(provider.account);
    if (!stored?.signed || transcript === undefined || operator === undefined) {
      throw new Error("the answer was not kept");
    }
    expect(stored).toMatchObject({ state: "done", fault: null });
    const { deployment } = market.chain;
    const evidence = {
      signed: stored.signed,
      transcript,
      binding: { chainId: deployment.chainId, verifyingContract: deployment.addresses.receiptLog },
      receiptKey: operator.receiptKey,
    };
    expect(await verifyTensors({ engine, recoverAddress }, evidence)).toMatchObject({ verdict: "pass" });
  });

  test("are not computed by engines of text, nor text by engines of tensors", async () => {
    const { buyer: ofTensors } = await trading(createTensorProvider(engine));
    await expect(ask(ofTensors, { policy: { model: "tiny" } })).rejects.toMatchObject({ code: "request.invalid" });
    const { buyer: ofText } = await trading(words);
    const wanted = { ...infer({ model: "words" }), policy: { model: "words" } };
    await expect(ask(ofText, wanted)).rejects.toMatchObject({ code: "request.invalid" });
    expect((await ask(ofText)).stopReason).toBe("length");
  });

  test("that would be more than the request pays for are an error, and cost nothing", async () => {
    const { buyer } = await trading(createTensorProvider(engine));
    await expect(ask(buyer, { ...infer(), maxTokens: 9 })).rejects.toMatchObject({ code: "request.outputTooLarge" });
    expect(buyer.buyer.requests(1)[0]).toMatchObject({ state: "failed", cost: 0n });
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
