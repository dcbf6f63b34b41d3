import { microUsd } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { createPostedPrices } from "./posted-prices.ts";

const prices = (output: number) => ({
  inputPerMillion: microUsd(50),
  cachedInputPerMillion: microUsd(10),
  outputPerMillion: microUsd(output),
});

test("who read an offer before it changed is served at its price for as long as it lives", () => {
  let now = 0;
  const posted = createPostedPrices(prices(200), () => now);
  expect(posted.post(prices(200))).toBe(false);
  expect(posted.post(prices(210))).toBe(true);
  now = 30_000;
  expect(posted.post(prices(220))).toBe(true);
  expect(posted.current()).toEqual(prices(220));
  expect(posted.lately()).toEqual([prices(220), prices(210), prices(200)]);
  now = 60_000;
  expect(posted.lately()).toEqual([prices(220), prices(210)]);
  now = 1_000_000;
  expect(posted.lately()).toEqual([prices(220)]);
});
