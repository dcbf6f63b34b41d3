import { DepinferError, microUsd, type Prices } from "@depinfer/protocol";
import { expect, test } from "vitest";
import type { IndexerClient } from "../indexer-client.ts";
import { followBasePrice } from "./base-price-follower.ts";

const prices: Prices = {
  inputPerMillion: microUsd(50_000),
  cachedInputPerMillion: microUsd(12_500),
  outputPerMillion: microUsd(200_000),
};

/** An indexer that tells one base price after the other, the last for ever; null stands for one that is away. */
function telling(...told: (string | null)[]): IndexerClient {
  let at = 0;
  return {
    url: "http://indexer.test",
    async get(endpoint) {
      const current = told[Math.min(at, told.length - 1)] ?? null;
      at += 1;
      if (current === null) {
        throw new DepinferError({ code: "indexer.unreachable", message: "it is away", remedy: "wait" });
      }
      const price = { model: "m", period: 1, current, nextAt: 0, history: [] };
      return endpoint.answer.parse({ target: 0.6, gain: 0.125, data: [price] });
    },
  };
}

/** Follows until so many prices are posted or so many lines are logged. */
function follow(indexer: IndexerClient, model: string, wanted: { readonly posts?: number; readonly lines?: number }) {
  return new Promise<{ posted: readonly Prices[]; said: readonly string[] }>((resolve) => {
    // A period passes between one question and the next.
    let now = 0;
    const posted: Prices[] = [];
    const said: string[] = [];
    const done = () => {
      if (posted.length === wanted.posts || said.length === wanted.lines) {
        stop();
        resolve({ posted, said });
      }
    };
    const stop = followBasePrice(
      indexer,
      (next) => {
        posted.push(next);
        done();
      },
      { model, prices, discountBps: 1_000, floor: 1n, periodMs: 1 },
      (_, message) => {
        said.push(message);
        done();
      },
      () => now++,
    );
  });
}

test("what an indexer tells is followed, an eighth at most each time", async () => {
  const { posted } = await follow(telling("200000", "100000"), "m", { posts: 3 });
  // By hand: 10 % below 200,000; then towards 90,000 by 7/8 of 180,000 and of 157,500, rounded down.
  expect(posted.map(({ outputPerMillion }) => outputPerMillion)).toEqual([180_000n, 157_500n, 137_812n]);
});

test("one that is away leaves the price where it is, is asked again, and that is said", async () => {
  const { posted, said } = await follow(telling(null, null, "200000"), "m", { posts: 1 });
  expect(said.slice(0, 2)).toEqual(Array(2).fill("the base price is not known, the price stays 200000: it is away"));
  expect(posted).toHaveLength(1);
});

test("one that does not know the model leaves the price where it is, and that is said", async () => {
  const { posted, said } = await follow(telling("200000"), "other", { lines: 2 });
  expect(posted).toEqual([]);
  expect(said[1]).toBe("http://indexer.test tells no base price of other yet; the price stays 200000");
});
