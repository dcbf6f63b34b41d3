import fc from "fast-check";
import { expect, test } from "vitest";
import { parseUsd, perMillion, unitsText, usd } from "./money.ts";

test.each([
  [0n, "$0.00"],
  [1n, "$0.000001"],
  [123n, "$0.000123"],
  [1_500_000n, "$1.50"],
  [1_234_567_890_123n, "$1,234,567.890123"],
  [-2_500_000n, "−$2.50"],
  [10n ** 30n, "$1,000,000,000,000,000,000,000,000.00"],
])("%s units are %s", (units, text) => {
  expect(usd(units)).toBe(text);
});

test("units are told in the singular and the plural", () => {
  expect([unitsText(1n), unitsText(1_000n), unitsText(-3n)]).toEqual(["1 unit", "1,000 units", "−3 units"]);
  expect(perMillion(200_000n)).toBe("$0.20 / 1M");
});

test.each(["", "1.2345678", "1e3", "-1", "1,23", "0x10", "٣", "1 000", "$", "99999999999999999"])(
  "%j is no amount",
  (text) => {
    expect(parseUsd(text)).toBeNull();
  },
);

test("what is shown can be typed in again, to the unit", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), (units) => {
      expect(parseUsd(usd(units))).toBe(units);
    }),
  );
});
