import { expect, test } from "vitest";
import { coins, pricePerMillion, providersPerMillion, shrinksPerHour, usedShare } from "./arithmetic.ts";

test("the price of a token is never told lower than it is", () => {
  const tier = { price: 2_000_000n, quota: 10_000_000n };
  expect(pricePerMillion(tier)).toBe(200_000n);
  expect(providersPerMillion(tier)).toBe(190_000n);
  expect(pricePerMillion({ price: 1n, quota: 3_000_000n })).toBe(1n);
  expect(pricePerMillion({ price: 5n, quota: 0n })).toBe(0n);
});

test("an unused pass of a day loses its price in a day", () => {
  const perHour = shrinksPerHour({ net: 1_900_000n, fee: 100_000n, start: 1_000, end: 87_400 });
  expect(perHour).toBe(83_334n);
  expect(perHour * 24n - 2_000_000n).toBeLessThan(24n);
  expect(shrinksPerHour({ net: 1n, fee: 0n, start: 5, end: 5 })).toBe(3_600n);
});

test("what is used of a quota stays between nothing and all", () => {
  expect(usedShare({ granted: 10_000_000n, remaining: 9_000_000n })).toBe(0.1);
  expect(usedShare({ granted: 10n, remaining: 12n })).toBe(0);
  expect(usedShare({ granted: 10n, remaining: -5n })).toBe(1);
  expect(usedShare({ granted: 0n, remaining: 0n })).toBe(1);
});

test("gas is told in coins and never rounded down", () => {
  expect(coins(123_000_000_000_000n)).toBe("0.000123 coins");
  expect(coins(123_000_000_000_001n)).toBe("0.000124 coins");
  expect(coins(2n * 10n ** 18n)).toBe("2 coins");
  expect(coins(10n ** 19n)).toBe("10 coins");
  expect(coins(1n)).toBe("under 0.000001 coins");
  expect(coins(0n)).toBe("0 coins");
});
