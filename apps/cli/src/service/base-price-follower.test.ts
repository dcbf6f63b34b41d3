import { setTimeout } from "node:timers/promises";
import { DepinferError, microUsd, type Prices } from "@depinfer/protocol";
import { expect, test } from "vitest";
import type { IndexerClient } from "../indexer-client.ts";
import { followBasePrice, scaled } from "./base-price-follower.ts";

const prices: Prices = {
  inputPerMillion: microUsd(50_000),
  cachedInputPerMillion: microUsd(12_500),
  outputPerMillion: microUsd(200_000),
};

/** An indexer that tells one base price after the other; null stands for one that is away. */
function telling(...told: (string | null)[]): IndexerClient {
  let at = 0;
  return {
    url: "test",
    async get(endpoint) {
      const current = told[Math.min(at, told.length - 1)] ?? null;
      at += 1;
      if (current === null) {
        throw new DepinferError({ code: "indexer.unreachable", message: "away", remedy: "wait" });
      }
      const price = { model: "m", period: 1, current, nextAt: at, history: [] };
      return endpoint.answer.parse({ target: 0.6, gain: 0.125, data: [price] });
    },
  };
}

async function posted(indexer: IndexerClient, options: { discountBps: number; floor: bigint }, ms = 100) {
  const seen: Prices[] = [];
  const stop = followBasePrice(
    indexer,
    (next) => seen.push(next),
    { model: "m", prices, ...options },
    () => undefined,
  );
  await setTimeout(ms);
  stop();
  return seen;
}

test("a discount to the base price is posted, input prices in proportion", async () => {
  const [first] = await posted(telling("200000"), { discountBps: 1_000, floor: 1n });
  expect(first).toEqual({ inputPerMillion: 45_000n, cachedInputPerMillion: 11_250n, outputPerMillion: 180_000n });
});

test("an indexer that lies moves the price by one step, and one that is away by none", async () => {
  const [lied] = await posted(telling("999999999999"), { discountBps: 0, floor: 1n });
  // By hand: 200,000 · (1 + (1/0.6 − 1)/8) = 216,666.6.
  expect(lied?.outputPerMillion).toBe(216_666n);
  expect(await posted(telling(null), { discountBps: 0, floor: 1n })).toEqual([]);
});

test("the price never goes below its floor", async () => {
  const [first] = await posted(telling("1"), { discountBps: 5_000, floor: 190_000n });
  expect(first?.outputPerMillion).toBe(190_000n);
});

test("the same prices are not posted again", async () => {
  expect(await posted(telling("200000"), { discountBps: 0, floor: 1n })).toEqual([]);
});

test("what costs something never becomes free", () => {
  expect(scaled(prices, 1n)).toEqual({ inputPerMillion: 1n, cachedInputPerMillion: 1n, outputPerMillion: 1n });
});
