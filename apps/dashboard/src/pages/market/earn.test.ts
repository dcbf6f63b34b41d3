import { marketConditionsSchema } from "@depinfer/protocol/api";
import { expect, test } from "vitest";
import { expectedOf, faultsOf, MACHINE, missingOf } from "./earn.ts";

const market = marketConditionsSchema.parse({
  model: "m",
  requests: 1,
  promptTokens: 3,
  outputTokens: 1,
  promptPerOutput: 3,
  paid: "1",
  inputPrice: "100000",
  outputPrice: "400000",
  providers: 1,
  slots: 1,
  utilisation: 0.6,
});

test("an hour is that of the fixture that was worked by hand", () => {
  // packages/economics/src/margin.test.ts: 70,325 units of revenue; here without a fee: 70,200 of power, 68,494 of depreciation.
  expect(expectedOf(market, MACHINE)).toMatchObject({
    revenue: 70_325n,
    power: 70_200n,
    depreciation: 68_494n,
    margin: -68_369n,
  });
});

test("what the reader says of the time at work goes before the market's", () => {
  expect(expectedOf(market, { ...MACHINE, utilisation: "0" })).toMatchObject({ revenue: 0n });
  expect(expectedOf({ ...market, utilisation: null }, { ...MACHINE, utilisation: "60" })?.revenue).toBe(70_325n);
});

test.each(["output", "prompt", "watts", "wattsIdle", "kwh", "hardware", "months", "utilisation"] as const)(
  "a wrong %s is named, and nothing is computed",
  (name) => {
    for (const wrong of ["-1", "x", "1e99"]) {
      expect(Object.keys(faultsOf({ ...MACHINE, [name]: wrong }))).toEqual([name]);
      expect(expectedOf(market, { ...MACHINE, [name]: wrong })).toBeNull();
    }
  },
);

test.each([
  [{ outputPrice: null }, /Nobody offers it/],
  [{ promptPerOutput: null }, /No request was seen/],
  [{ utilisation: null }, /not known how busy/],
])("%j is no figure but a sentence", (missing, sentence) => {
  expect(missingOf({ ...market, ...missing }, MACHINE)).toMatch(sentence);
  expect(expectedOf({ ...market, ...missing }, MACHINE)).toBeNull();
});
