import { expect, test } from "vitest";
import { ago, clockSkew, dateTime, duration } from "./time.ts";

const NOW = Date.UTC(2026, 10, 23, 12);

test.each([
  [0, "now"],
  [-999, "now"],
  [-1_000, "1 second ago"],
  [-59_999, "59 seconds ago"],
  [-60_000, "1 minute ago"],
  [-7_200_000, "2 hours ago"],
  [-86_400_000, "yesterday"],
  [90_000, "in 1 minute"],
])("%i ms from now is %s", (difference, words) => {
  expect(ago(NOW + difference, NOW)).toBe(words);
});

test.each([
  [0, "0 ms"],
  [999.4, "999 ms"],
  [2_440, "2.4 s"],
  [200_000, "3 min 20 s"],
  [180_000, "3 min"],
  [3_600_000, "1 h"],
  [187_200_000, "2 d 4 h"],
  [-1, "unknown"],
  [Number.NaN, "unknown"],
])("%d ms last %s", (milliseconds, words) => {
  expect(duration(milliseconds)).toBe(words);
});

test("a clock is called wrong only when that matters, and in the right direction", () => {
  expect(clockSkew(29_000)).toBeNull();
  expect(clockSkew(120_000)).toBe("2 min behind the network's");
  expect(clockSkew(-3_600_000)).toBe("1 h ahead of the network's");
});

test("what is no time is said to be unknown", () => {
  expect(dateTime(Number.NaN)).toBe("unknown");
  expect(dateTime(NOW)).toContain("2026");
});
