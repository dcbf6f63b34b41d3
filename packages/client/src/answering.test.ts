import { DepinferError, type Hex, microUsd, type Offer } from "@depinfer/protocol";
import { array, assert, asyncProperty, integer, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { createAnswering } from "./answering.ts";
import type { Ask } from "./ask.ts";
import type { Begun } from "./begun.ts";
import { createHealth } from "./health.ts";
import type { BuyOptions, Purchase } from "./purchase.ts";
import { createStoryBook } from "./story.ts";

const word = (byte: number): Hex => `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;
const TOKENS = Array.from({ length: 12 }, (_, index) => index);
const text = (tokens: readonly number[]) => tokens.map((token) => ` wörd${token}`).join("");

function offerOf(byte: number, changes: Partial<Offer> = {}): Offer {
  return {
    v: 1,
    peerId: `peer-${byte}`,
    addresses: [],
    provider: `0x${byte.toString(16).padStart(2, "0").repeat(20)}`,
    receiptKey: `0x${byte.toString(16).padStart(2, "0").repeat(20)}`,
    model: "words",
    classId: word(1),
    proofLevel: "seeded",
    features: ["continuation"],
    prices: { inputPerMillion: microUsd(1), cachedInputPerMillion: microUsd(1), outputPerMillion: microUsd(1) },
    contextLength: 100,
    slots: 1,
    idleSlots: 1,
    region: "test",
    sequence: 1,
    issuedAt: 1,
    expiresAt: 2,
    ...changes,
  };
}

const ask: Ask = {
  endpoint: "chat",
  body: Buffer.from("{}"),
  maxTokens: 100,
  policy: { model: "words" },
  audit: "validator",
  account: "app",
};

const broke = (code = "provider.silent", retryable = true) =>
  new DepinferError({ code, message: "it broke", remedy: "ask another", retryable });

/** What a provider does with a request: delivers some tokens, signs for some of them, and fails, or goes on to the end. */
interface Conduct {
  readonly delivers: number;
  readonly signs: number;
  readonly fails: boolean;
  readonly delayMs?: number;
}

/** A market whose providers behave as told, in the order in which they are asked. */
function market(conducts: readonly Conduct[], offers = conducts.map((_, index) => offerOf(index + 1))) {
  const bought: BuyOptions[] = [];
  const health = createHealth();
  const stories = createStoryBook(100);
  const answering = createAnswering(
    {
      offers: () => offers,
      health,
      stories,
      log: () => undefined,
      random: () => 0,
      purchases: { buy },
    },
    { attempts: 4, acceptMs: 100, silenceMs: 100, queueMs: 0 },
  );

  async function buy(options: BuyOptions): Promise<Purchase> {
    const conduct = conducts[bought.length] ?? { delivers: 0, signs: 0, fails: true };
    bought.push(options);
    const number = bought.length;
    const requestId = word(100 + number);
    const { begun, offer, handlers, signal } = options;
    if (conduct.delayMs !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, conduct.delayMs));
    }
    if (signal?.aborted) {
      return { requestId, error: broke("request.cancelled", false), textDelivered: false, begun };
    }
    handlers.onAccept?.({
      requestId,
      offer,
      accept: { providerNonce: word(2), promptTokens: 5, cachedTokens: 0, promptHash: word(3) },
    });
    const rest = TOKENS.slice(begun?.tokens.length ?? 0);
    const part = conduct.fails ? rest.slice(0, conduct.delivers) : rest;
    for (const token of part) {
      await handlers.onText(text([token]), [token]);
    }
    if (conduct.fails) {
      const signed = part.slice(0, conduct.signs);
      const covered: Begun = {
        classId: offer.classId,
        seed: begun?.seed ?? { requestId, buyerNonce: word(4), providerNonce: word(2) },
        tokens: [...(begun?.tokens ?? []), ...signed],
        text: (begun?.text ?? "") + text(signed),
        usage: { promptTokens: 5, cachedTokens: 0, outputTokens: (begun?.tokens.length ?? 0) + signed.length },
        cost: microUsd((begun?.cost ?? 0n) + BigInt(signed.length)),
        receipts: [...(begun?.receipts ?? []), ...(signed.length > 0 ? [requestId] : [])],
      };
      return { requestId, error: broke(), textDelivered: part.length > 0, begun: part.length > 0 ? covered : begun };
    }
    return {
      requestId,
      error: null,
      answer: {
        requestId: begun?.receipts[0] ?? requestId,
        receipts: [...(begun?.receipts ?? []), requestId],
        offer,
        stopReason: "end",
        usage: { promptTokens: 5, cachedTokens: 0, outputTokens: (begun?.tokens.length ?? 0) + rest.length },
        cost: microUsd((begun?.cost ?? 0n) + BigInt(rest.length)),
      },
    };
  }

  return { answering, bought, stories };
}

async function read(answering: ReturnType<typeof market>["answering"], request: Ask = ask) {
  let seen = "";
  const ids: number[] = [];
  const answer = await answering(request, {
    onText(piece, tokens = []) {
      seen += piece;
      ids.push(...tokens);
      return undefined;
    },
  });
  return { seen, ids, answer };
}

describe("an answer that breaks off", () => {
  test("is gone on with so that the app cannot tell, whoever breaks off where and whatever is signed for", async () => {
    const conduct = record({ delivers: integer({ min: 0, max: 8 }), signs: integer({ min: 0, max: 8 }) });
    await assert(
      asyncProperty(array(conduct, { maxLength: 3 }), async (failures) => {
        const last = { delivers: 0, signs: 0, fails: false };
        const { answering } = market([...failures.map((one) => ({ ...one, fails: true })), last]);
        const { seen, ids, answer } = await read(answering);
        expect(seen).toBe(text(TOKENS));
        expect(ids).toEqual(TOKENS);
        expect(answer.usage.outputTokens).toBe(TOKENS.length);
        // One charge: each token is paid once.
        expect(answer.cost).toBe(BigInt(TOKENS.length));
      }),
      { numRuns: 300 },
    );
  });

  test("is asked for in the class it was begun in, from the last token that is signed for", async () => {
    const { answering, bought, stories } = market([
      { delivers: 7, signs: 5, fails: true },
      { delivers: 0, signs: 0, fails: false },
    ]);
    const { answer } = await read(answering);
    expect(bought[1]?.begun?.tokens).toEqual(TOKENS.slice(0, 5));
    expect(bought[1]?.begun?.seed).toEqual({ requestId: word(101), buyerNonce: word(4), providerNonce: word(2) });
    expect(answer.receipts).toEqual([word(101), word(102)]);
    const story = stories.find(word(102));
    expect(story?.attempts.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ["first", "it broke"],
      ["continuation", "answered"],
    ]);
  });

  test("that nobody could honour is refused by the parameter's name, and not to be sent again", async () => {
    const { answering, bought } = market([], [offerOf(1), offerOf(2, { model: "other", features: ["images"] })]);
    const wants = (features: Ask["policy"]["features"]) =>
      read(answering, { ...ask, policy: { ...ask.policy, ...(features === undefined ? {} : { features }) } });
    await expect(wants(["images"])).rejects.toMatchObject({
      code: "request.unsupported",
      retryable: false,
      metadata: { param: "messages" },
    });
    expect(bought).toEqual([]);
  });

  test("is a typed error when nobody else is of its class, or can go on", async () => {
    for (const other of [{ classId: word(9) }, { features: [] }]) {
      const failing = { delivers: 3, signs: 2, fails: true };
      const { answering } = market([failing, failing], [offerOf(1), offerOf(2, other)]);
      // The first draw takes the first provider, which is the only one that can go on with its own answer.
      await expect(read(answering)).rejects.toMatchObject({ code: "answer.brokeOff", retryable: true });
    }
  });

  test("is an error when the rest does not begin as what was delivered ends", async () => {
    const { answering } = market([
      { delivers: 6, signs: 0, fails: true },
      { delivers: 0, signs: 0, fails: false },
    ]);
    let pieces = 0;
    const swapped = answering(ask, {
      onText() {
        pieces += 1;
        if (pieces === 6) {
          TOKENS[1] = 77;
        }
        return undefined;
      },
    });
    await expect(swapped)
      .rejects.toMatchObject({ code: "provider.diverged" })
      .finally(() => {
        TOKENS[1] = 1;
      });
  });
});

describe("hedging", () => {
  const hedged: Ask = { ...ask, policy: { model: "words", hedge: true } };

  test("hears whoever delivers first, and cancels the other", async () => {
    const { answering, bought, stories } = market([
      { delivers: 0, signs: 0, fails: false, delayMs: 1_400 },
      { delivers: 0, signs: 0, fails: false },
    ]);
    const { seen, answer } = await read(answering, hedged);
    expect(seen).toBe(text(TOKENS));
    expect(answer.requestId).toBe(word(102));
    expect(bought[0]?.signal?.aborted).toBe(true);
    expect(stories.find(word(102))?.attempts.map(({ kind }) => kind)).toEqual(["first", "hedge"]);
  });

  test("is not paid for where the policy does not ask for it", async () => {
    const { answering, bought } = market([
      { delivers: 0, signs: 0, fails: false, delayMs: 1_400 },
      { delivers: 0, signs: 0, fails: false },
    ]);
    await read(answering);
    expect(bought.length).toBe(1);
  });
});
