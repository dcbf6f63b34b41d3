import { microUsd, type Prices } from "@depinfer/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createFollowedPrice, scaled } from "./followed-price.ts";

const prices: Prices = {
  inputPerMillion: microUsd(50_000),
  cachedInputPerMillion: microUsd(12_500),
  outputPerMillion: microUsd(200_000),
};
const HOUR = 3_600_000;
const options = { prices, discountBps: 0, floor: 1n, periodMs: HOUR };

test("a discount to the base price is posted, input prices in proportion", () => {
  const followed = createFollowedPrice({ ...options, discountBps: 1_000 }, 0);
  expect(followed.hear(200_000n, 0)).toEqual({
    inputPerMillion: 45_000n,
    cachedInputPerMillion: 11_250n,
    outputPerMillion: 180_000n,
  });
  expect(followed.current()).toBe(180_000n);
});

test("one step in each hour of its own clock, however often and whatever it is told", () => {
  const followed = createFollowedPrice(options, 0);
  // By hand: 200,000 · (1 + (1/0.6 − 1)/8) = 216,666.6.
  expect(followed.hear(10n ** 30n, 0)?.outputPerMillion).toBe(216_666n);
  expect(followed.hear(10n ** 30n, HOUR - 1)).toBeNull();
  expect(followed.hear(1n, 0)).toBeNull();
  // And 216,666 · 7/8 = 189,582.75.
  expect(followed.hear(1n, HOUR)?.outputPerMillion).toBe(189_582n);
  expect(followed.current()).toBe(189_582n);
});

test("what it could not hear for a while it catches up with, by the steps that it missed", () => {
  const followed = createFollowedPrice(options, 0);
  // By hand: 200,000 · 7/8 = 175,000, · 7/8 = 153,125, · 7/8 = 133,984.375: the hours 0, 1 and 2.
  expect(followed.hear(100_000n, 2 * HOUR)?.outputPerMillion).toBe(133_984n);
  // What was not needed is not kept for later.
  expect(followed.hear(133_984n, 9 * HOUR)).toBeNull();
  expect(followed.hear(1n, 10 * HOUR)?.outputPerMillion).toBe(117_236n);
});

test("a liar is bounded by time: n hours move the price by n steps of the rule at most", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ base: fc.bigInt({ min: 0n, max: 10n ** 20n }), wait: fc.integer({ min: 0, max: HOUR }) }), {
        maxLength: 200,
      }),
      (told) => {
        const followed = createFollowedPrice({ ...options, floor: 150_000n }, 0);
        let now = 0;
        for (const { base, wait } of told) {
          now += wait;
          followed.hear(base, now);
        }
        const steps = Math.floor(now / HOUR) + 1;
        expect(Number(followed.current())).toBeLessThanOrEqual(200_000 * (1 + (1 / 0.6 - 1) / 8) ** steps + 1);
        expect(followed.current()).toBeGreaterThanOrEqual(150_000n);
      },
    ),
  );
});

test("it never goes below its floor, and not to a base price of nothing", () => {
  const followed = createFollowedPrice({ ...options, discountBps: 5_000, floor: 190_000n }, 0);
  expect(followed.hear(0n, 0)).toBeNull();
  expect(followed.hear(1n, 0)?.outputPerMillion).toBe(190_000n);
  expect(followed.hear(1n, HOUR)).toBeNull();
});

test("what it asks already is not posted again, and the step is kept for later", () => {
  const followed = createFollowedPrice(options, 0);
  expect(followed.hear(200_000n, 0)).toBeNull();
  expect(followed.hear(190_000n, 1)?.outputPerMillion).toBe(190_000n);
});

test("what costs something never becomes free, and what is free begins at one unit", () => {
  expect(scaled(prices, 1n)).toEqual({ inputPerMillion: 1n, cachedInputPerMillion: 1n, outputPerMillion: 1n });
  const free = { inputPerMillion: microUsd(0), cachedInputPerMillion: microUsd(0), outputPerMillion: microUsd(0) };
  expect(createFollowedPrice({ ...options, prices: free }, 0).hear(2n, 0)).toMatchObject({ outputPerMillion: 2n });
});
