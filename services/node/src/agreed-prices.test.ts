import { microUsd } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { priceRefusal } from "./agreed-prices.ts";

const passes = `0x${"ab".repeat(20)}` as const;
const someone = `0x${"01".repeat(20)}` as const;
const prices = (input: number, cached: number, output: number) => ({
  inputPerMillion: microUsd(input),
  cachedInputPerMillion: microUsd(cached),
  outputPerMillion: microUsd(output),
});
const options = { posted: [prices(50, 10, 200), prices(45, 9, 180)], passes, passFloor: microUsd(60) };

test.each([
  ["the offer's prices, paid per use", prices(50, 10, 200), someone, null],
  ["the prices of the offer before, paid per use", prices(45, 9, 180), someone, null],
  ["prices of both, mixed", prices(45, 10, 200), someone, "provider.priceChanged"],
  ["other prices, paid per use", prices(50, 10, 199), someone, "provider.priceChanged"],
  ["a flat price, paid per use", prices(60, 60, 60), someone, "provider.priceChanged"],
  ["the offer's prices, on a channel that nobody introduced", prices(50, 10, 200), undefined, null],
  ["a flat price at the floor, paid by a pass", prices(60, 60, 60), passes, null],
  ["a flat price below the floor, paid by a pass", prices(59, 59, 59), passes, "provider.passPriceTooLow"],
  ["prices that are not flat, paid by a pass", prices(60, 60, 61), passes, "provider.passPriceTooLow"],
  ["the offer's prices, paid by a pass", prices(50, 10, 200), passes, "provider.passPriceTooLow"],
])("%s", (_what, agreed, payer, code) => {
  expect(priceRefusal(agreed, payer, options)?.code ?? null).toBe(code);
});
