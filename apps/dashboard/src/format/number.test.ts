import { expect, test } from "vitest";
import { compact, count, percent, plural, points, shortId } from "./number.ts";

test.each([
  [0, "0 %"],
  [1, "100 %"],
  [0.5, "50.0 %"],
  [0.9999, "> 99.9 %"],
  [0.00001, "< 0.1 %"],
  [0.123456, "12.3 %"],
  [Number.NaN, "no data"],
])("a share of %d reads %s", (share, text) => {
  expect(percent(share)).toBe(text);
});

test("counts are grouped, short where there is no room, and agree with their noun", () => {
  expect([
    count(1_234_567),
    compact(1_234_567),
    plural(1, "token"),
    plural(2_000n, "token"),
    plural(0, "mismatch"),
  ]).toEqual(["1,234,567", "1.2M", "1 token", "2,000 tokens", "0 mismatches"]);
});

test("an id keeps its ends", () => {
  expect(shortId(`0x${"ab".repeat(32)}`)).toBe("0xababab…abab");
  expect(shortId("provider-1")).toBe("provider-1");
});

test("differences of shares are told with their sign", () => {
  expect([points(0.003), points(-0.0125), points(0)]).toEqual(["+0.3 points", "−1.3 points", "0 points"]);
});
