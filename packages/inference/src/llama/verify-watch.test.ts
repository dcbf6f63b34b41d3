import { type PositionMargin, seedOfAnswer } from "@depinfer/proof";
import { type Hex, microUsd, parseBody } from "@depinfer/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ScoringEngine } from "../engine.ts";
import { evidenceOf, recoverKey } from "../testing/receipt-of.ts";
import { verifyReceipt } from "../verify-receipt.ts";
import { createLlamaEngine } from "./llama-engine.ts";

const weights = new URL("../../../../models/depinfer-tiny/depinfer-tiny.q8_0.gguf", import.meta.url).pathname;
const word = (byte: number): Hex => `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;
const TOKENS = 150;

let engine: ScoringEngine;
let cheat: ScoringEngine;
beforeAll(async () => {
  [engine, cheat] = await Promise.all([
    createLlamaEngine({ modelPath: weights }),
    createLlamaEngine({ modelPath: weights.replace("q8_0", "q4_k_m") }),
  ]);
});
afterAll(() => Promise.all([engine.dispose(), cheat.dispose()]));

/** An answer that `by` computes and claims to be of the engine's class. */
async function answered(by: ScoringEngine, extra: object = {}) {
  const body = {
    messages: [{ role: "user", content: "Tell me a story about a dragon." }],
    temperature: 1.2,
    max_tokens: TOKENS,
    ...extra,
  };
  const { generation } = parseBody("chat", Buffer.from(JSON.stringify({ model: "tiny", ...body })));
  const prompt = engine.prompt(generation);
  const terms = {
    v: 1 as const,
    requestId: word(1),
    endpoint: "chat" as const,
    classId: engine.description.classId,
    channelId: word(2),
    buyerNonce: word(3),
    maxOutputTokens: TOKENS,
    audit: "public" as const,
    prices: {
      inputPerMillion: microUsd(50_000),
      cachedInputPerMillion: microUsd(5_000),
      outputPerMillion: microUsd(200_000),
    },
  };
  const seed = seedOfAnswer(terms, word(4), generation.seed);
  const completion = await by.generate({ generation, prompt, seed, maxTokens: TOKENS }, () => undefined);
  return evidenceOf({
    description: engine.description,
    body: { model: "tiny", ...body },
    prompt: prompt.tokens,
    completion,
    terms: { maxOutputTokens: TOKENS },
  });
}

test.each([
  ["an honest answer", () => engine, {}],
  ["a cheat's answer", () => cheat, {}],
  ["a shaped answer", () => engine, { response_format: { type: "json_object" } }],
])("of %s every margin is told once and in order, and they are those that are judged", async (_what, by, extra) => {
  const evidence = await answered(by(), extra);
  const told: PositionMargin[] = [];
  const counts: number[] = [];
  const { statistic, verdict } = await verifyReceipt(
    { engine, recoverAddress: recoverKey },
    {
      ...evidence,
      watch: {
        onMargin(index, margin) {
          expect(index).toBe(told.length);
          told.push(margin);
        },
        onScored: (scored) => counts.push(scored),
        signal: new AbortController().signal,
      },
    },
  );
  expect(told.map(({ margin }) => margin)).toEqual(statistic.margins);
  expect(told.filter(({ informative }) => informative)).toHaveLength(statistic.informative);
  expect(counts).toEqual(Array.from({ length: statistic.tokens }, (_, index) => index + 1));
  expect(statistic.tokens).toBeGreaterThan(20);
  const unwatched = await verifyReceipt({ engine, recoverAddress: recoverKey }, evidence);
  expect(unwatched).toMatchObject({ verdict, statistic });
});

test("a verification that nobody waits for ends early, and the engine goes on with the next one", async () => {
  const evidence = await answered(engine);
  const gone = new AbortController();
  const reason = new Error("the client is gone");
  let scored = 0;
  const ended = verifyReceipt(
    { engine, recoverAddress: recoverKey },
    {
      ...evidence,
      watch: {
        signal: gone.signal,
        onScored(count) {
          scored = count;
          gone.abort(reason);
        },
      },
    },
  );
  await expect(ended).rejects.toBe(reason);
  expect(scored).toBeLessThan(TOKENS);
  const { verdict } = await verifyReceipt({ engine, recoverAddress: recoverKey }, evidence);
  expect(verdict).toBe("pass");
});
