import { recoverAddress } from "@depinfer/chain";
import { createLlamaEngine, type Engine, type ScoringEngine, verifyReceipt } from "@depinfer/inference";
import { errorCode, type Hex, type Offer, utf8 } from "@depinfer/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Market, startMarket, type TestBuyer, type TestProvider, until } from "./market.ts";

/*
 * Providers that die in the middle of an answer, with the real engine, slowed down to the pace of a large model. The app sees
 * one text; every part is under a receipt that verifies; nothing is paid twice.
 */

const WEIGHTS = new URL("../../models/depinfer-tiny/depinfer-tiny.q8_0.gguf", import.meta.url).pathname;
const TOKEN_MS = 15;
const MAX_TOKENS = 120;

let market: Market;
let engine: ScoringEngine;
let providers: TestProvider[];
let buyer: TestBuyer;

/** The engine at the pace of a larger one. Ends with nobody: all providers share it. */
function slowed(): Engine {
  return {
    ...engine,
    generate: (options, onDelta) =>
      engine.generate(options, async (...delta) => {
        await new Promise((resolve) => setTimeout(resolve, TOKEN_MS));
        await onDelta(...delta);
      }),
    dispose: async () => undefined,
  };
}

beforeAll(async () => {
  engine = await createLlamaEngine({ modelPath: WEIGHTS, slots: 3 });
  market = await startMarket();
  providers = [];
  for (let count = 0; count < 3; count++) {
    providers.push(await market.provider({}, slowed()));
  }
  buyer = await market.buyer();
  for (const { host } of providers) {
    await market.meet(buyer.host, host);
  }
}, 60_000);
afterAll(async () => {
  await market.stop();
  await engine.dispose();
}, 30_000);

interface Told {
  readonly text: string;
  readonly receipts: readonly Hex[];
  readonly outputTokens: number;
  readonly cost: bigint;
}

/** Asks for a story; `during` is told of every piece and of who serves it. */
async function tell(body: object, during: (pieces: number, offer: Offer) => void): Promise<Told> {
  const bytes = utf8(
    JSON.stringify({
      model: engine.description.model,
      messages: [{ role: "user", content: "Tell me a long story about a fox and a bear." }],
      temperature: 1.3,
      max_tokens: MAX_TOKENS,
      ...body,
    }),
  );
  let [text, pieces] = ["", 0];
  let serving: Offer | undefined;
  const answer = await buyer.buyer.ask(
    {
      endpoint: "chat",
      body: bytes,
      maxTokens: MAX_TOKENS,
      policy: { model: engine.description.model },
      audit: "validator",
      account: "test",
    },
    {
      onAccept: ({ offer }) => {
        serving = offer;
      },
      onText(piece) {
        text += piece;
        pieces += 1;
        if (serving !== undefined) {
          during(pieces, serving);
        }
        return undefined;
      },
    },
  );
  return { text, receipts: answer.receipts, outputTokens: answer.usage.outputTokens, cost: answer.cost };
}

/** Ends whoever serves after so many pieces, each time once. */
function killAt(...pieces: readonly number[]) {
  const waiting = [...pieces];
  const dead: TestProvider[] = [];
  return {
    dead,
    during(count: number, { provider: account }: Offer) {
      if (waiting[0] !== undefined && count >= waiting[0]) {
        waiting.shift();
        const victim = providers.find((provider) => provider.account === account);
        if (victim !== undefined) {
          dead.push(victim);
          victim.crash().catch(() => undefined);
        }
      }
    },
    async revive() {
      for (const victim of dead) {
        await victim.restart();
        await market.meet(buyer.host, victim.host);
      }
    },
  };
}

/** The verdict on each part, by the code of `depinfer verify`. */
async function verdicts(receipts: readonly Hex[]): Promise<string[]> {
  const found: string[] = [];
  for (const id of receipts) {
    const stored = buyer.buyer.request(id);
    const transcript = buyer.buyer.transcript(id);
    const operator = stored === undefined ? undefined : await market.chain.registry.byOperator(stored.provider);
    if (stored?.signed == null || transcript === undefined || operator === undefined) {
      throw new Error(`there is nothing to verify for ${id}`);
    }
    const { verdict, reason } = await verifyReceipt(
      { engine, recoverAddress },
      {
        signed: stored.signed,
        transcript,
        binding: { chainId: market.chain.deployment.chainId, verifyingContract: market.chain.receipts.address },
        receiptKey: operator.receiptKey,
      },
    );
    expect(verdict, reason).not.toBe("fail");
    found.push(verdict);
  }
  return found;
}

const SHAPES = {
  plain: { seed: 5 },
  "with penalties and a part of the probabilities": {
    seed: 6,
    presence_penalty: 0.7,
    frequency_penalty: 0.4,
    top_p: 0.8,
  },
  "with a stop sequence that comes late": { seed: 7, stop: ["zebra crossing"] },
};

test.each(Object.entries(SHAPES))(
  "an answer %s is the same, unbroken or broken once or twice",
  async (_name, shape) => {
    const whole = await tell(shape, () => undefined);
    expect(whole.receipts.length).toBe(1);
    for (const breaks of [[50], [35, 80]]) {
      const kills = killAt(...breaks);
      const broken = await tell(shape, kills.during);
      expect(kills.dead.length).toBe(breaks.length);
      expect(broken.text).toBe(whole.text);
      expect(broken.outputTokens).toBe(whole.outputTokens);
      expect(broken.receipts.length).toBe(breaks.length + 1);
      await verdicts(broken.receipts);
      const parts = broken.receipts.map((id) => buyer.buyer.request(id));
      expect(parts.reduce((sum, part) => sum + (part?.signed?.receipt.outputTokens ?? 0), 0)).toBe(whole.outputTokens);
      expect(parts.reduce((sum, part) => sum + (part?.cost ?? 0n), 0n)).toBe(broken.cost);
      await kills.revive();
    }
  },
  120_000,
);

test("one whose first provider signed for nothing yet is made again from its beginning, with the same words", async () => {
  const whole = await tell({ seed: 8 }, () => undefined);
  const kills = killAt(6);
  const broken = await tell({ seed: 8 }, kills.during);
  expect(broken.text).toBe(whole.text);
  expect(broken.receipts.length).toBe(1);
  expect(broken.cost).toBe(whole.cost);
  await kills.revive();
}, 60_000);

test("without a seed of the app's the rest follows the first provider's randomness", async () => {
  const kills = killAt(60);
  const broken = await tell({}, kills.during);
  expect(broken.receipts.length).toBe(2);
  await verdicts(broken.receipts);
  await kills.revive();
}, 60_000);

test("a provider that comes back has nothing more to ask for what it signed, and is asked again", async () => {
  const kills = killAt(60);
  const broken = await tell({ seed: 9 }, kills.during);
  const [first] = broken.receipts;
  if (first === undefined) {
    throw new Error("no part is under a receipt");
  }
  const before = buyer.buyer.request(first);
  expect(before?.state).toBe("broken");
  await kills.revive();
  await until("the broken part is settled", () => buyer.buyer.request(first)?.state === "done", 15_000);
  const after = buyer.buyer.request(first);
  expect(after?.cost).toBe(before?.cost);
  expect(after?.reserved).toBe(0n);
  await verdicts([first]);
  const [victim] = kills.dead;
  await until(
    "it serves again",
    async () => {
      let by: Hex | undefined;
      await tell({ max_tokens: 2 }, (_pieces, { provider }) => {
        by = provider;
      });
      return by === victim?.account;
    },
    30_000,
  );
}, 90_000);

test("when nobody of its class is left the app is told, and pays what was signed for", async () => {
  const dead: Promise<void>[] = [];
  const spent = buyer.buyer.account("test").spent;
  const broken = tell({ seed: 10 }, (pieces) => {
    if (pieces === 60) {
      dead.push(...providers.map((provider) => provider.crash()));
    }
  });
  const error = await broken.then(
    () => null,
    (cause: unknown) => cause,
  );
  expect(["answer.brokeOff", "route.noProvider"]).toContain(errorCode(error));
  await Promise.all(dead);
  expect(buyer.buyer.account("test").spent - spent).toBeGreaterThan(0n);
}, 60_000);
