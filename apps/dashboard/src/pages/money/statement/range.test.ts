import { expect, test } from "vitest";
import { dayTick, isDay, perDay, rangeFault, rangeOf } from "./range.ts";

const TODAY = Date.parse("2026-03-01T23:59:59Z");
const NO_DAYS = { from: "", to: "" };

test("ranges are whole days in UTC, today included", () => {
  expect(rangeOf("7d", TODAY, NO_DAYS)).toEqual({ since: "2026-02-23" });
  expect(rangeOf("30d", TODAY, NO_DAYS)).toEqual({ since: "2026-01-31" });
  expect(rangeOf("month", TODAY, NO_DAYS)).toEqual({ since: "2026-03-01" });
  expect(rangeOf("all", TODAY, NO_DAYS)).toEqual({});
});

test("the last day of a reader's own range belongs to it, and what is no day is left open", () => {
  expect(rangeOf("custom", TODAY, { from: "2026-02-27", to: "2026-02-28" })).toEqual({
    since: "2026-02-27",
    until: "2026-03-01",
  });
  expect(rangeOf("custom", TODAY, { from: "2026-02-30", to: "<script>" })).toEqual({});
  expect(rangeFault(rangeOf("custom", TODAY, { from: "2026-02-28", to: "2026-02-28" }))).toBeNull();
  expect(rangeFault(rangeOf("custom", TODAY, { from: "2026-03-02", to: "2026-02-28" }))).not.toBeNull();
});

test("a day is called the same in every zone", () => {
  expect(dayTick(Date.parse("2026-11-23") / 86_400_000)).toBe("Nov 23");
});

test("days are real days", () => {
  expect(["2024-02-29", "2026-12-31"].every(isDay)).toBe(true);
  expect(["2026-02-29", "2026-13-01", "26-01-01", "2026-1-1", "", "99999-01-01"].some(isDay)).toBe(false);
});

test("days without anything are zeros between others, and sums are exact", () => {
  const huge = 9_007_199_254_740_993n;
  const days = perDay(
    [
      { day: "2026-02-27", cost: 1n, requests: 1 },
      { day: "2026-03-01", cost: huge, requests: 2 },
      { day: "2026-02-27", cost: 2n, requests: 3 },
      { day: "nonsense", cost: 5n, requests: 5 },
    ],
    1,
  );
  expect(days.map(({ cost, requests }) => [cost, requests])).toEqual([
    [3n, 4],
    [0n, 0],
    [huge, 2],
  ]);
  expect(perDay([], 7)).toEqual([]);
  const line = { cost: 1n, requests: 1 };
  const ages = [
    { ...line, day: "0001-01-01" },
    { ...line, day: "2026-01-01" },
  ];
  expect(perDay(ages, 7)).toHaveLength(1_100);
  expect(perDay([{ ...line, day: "2026-03-01" }], 7).map(({ cost }) => cost)).toEqual([0n, 0n, 0n, 0n, 0n, 0n, 1n]);
});
