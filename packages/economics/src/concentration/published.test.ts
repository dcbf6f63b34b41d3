import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { gini, hhi, nakamotoCoefficient, shannonEntropy, theil } from "../index.ts";

/*
 * Figures that others published of Bitcoin's blocks by pool. The counts are from
 * Blockchain-Technology-Lab/nc-statistical-confidence, `data/bitcoin_daily.csv` (MIT).
 */

/** Blocks by pool from 2018-01-31 to 2018-03-01. */
const FEBRUARY_2018 = [
  1921, 591, 542, 489, 237, 172, 138, 86, 84, 78, 61, 59, 54, 52, 41, 26, 5, 5, 2, 2, 1, 1, 1, 1, 1, 1,
];
/** Blocks by pool in 2022. */
const YEAR_2022 = [
  11851, 8681, 7848, 6164, 5162, 4462, 2857, 2246, 1362, 963, 621, 159, 149, 140, 101, 93, 86, 76, 37, 25, 18, 15, 14,
  9, 9, 8, 8, 6, 4, 4, 4, 2, 1, 1, 1, 1,
];

describe("Bitcoin's blocks around 2018-02-14", () => {
  test("concentration of 26 producers", () => {
    expect(FEBRUARY_2018.reduce((sum, blocks) => sum + blocks, 0)).toBe(4_651);
    expect(hhi(FEBRUARY_2018)).toBeCloseTo(2178.728900104066, 8);
    expect(shannonEntropy(FEBRUARY_2018)).toBeCloseTo(2.921025976868, 10);
    expect(nakamotoCoefficient(FEBRUARY_2018, 0.5)).toBe(2);
    expect(gini(FEBRUARY_2018)).toBeCloseTo(0.768445, 6);
  });

  test("with six producers of nothing, as published", () => {
    const padded = [...FEBRUARY_2018, 0, 0, 0, 0, 0, 0];
    expect(gini(padded)).toBeCloseTo(0.811861696, 8);
    expect(theil(padded)).toBeCloseTo(1.441034983, 8);
    expect(hhi(padded)).toBeCloseTo(2178.728900104066, 8);
  });
});

test("Bitcoin's blocks in 2022", () => {
  expect(YEAR_2022).toHaveLength(36);
  expect(nakamotoCoefficient(YEAR_2022, 0.5)).toBe(3);
  expect(hhi(YEAR_2022)).toBeCloseTo(1337.68, 2);
  expect(gini(YEAR_2022)).toBeCloseTo(0.806187, 6);
});

const file = join(import.meta.dirname, "../../../../../shared/data/bitcoin-blocks-by-pool.csv");
const there = existsSync(file);
if (!there) {
  console.warn("Bitcoin's blocks by pool are not beside the repository; their windows are not computed");
}

describe.runIf(there)("Bitcoin's blocks by pool, day by day", () => {
  const [header = "", ...lines] = there ? readFileSync(file, "utf8").trim().split(/\r?\n/) : [];
  const days = header.split(",").slice(1);
  const pools = lines.map((line) => line.split(",").slice(1).map(Number));

  /** Blocks of each pool that found any from the first to the last day (dd/mm/yyyy). */
  function blocks(first: string, last: string): number[] {
    const [from, to] = [days.indexOf(first), days.indexOf(last)];
    return pools
      .map((counts) => counts.slice(from, to + 1).reduce((sum, count) => sum + count, 0))
      .filter((count) => count > 0);
  }

  test("the numbers above are those of the file", () => {
    const sorted = (values: readonly number[]) => [...values].sort((a, b) => b - a);
    expect(sorted(blocks("31/01/2018", "01/03/2018"))).toEqual(FEBRUARY_2018);
    expect(sorted(blocks("01/01/2022", "31/12/2022"))).toEqual(YEAR_2022);
  });

  test("the year 2021", () => {
    const year = blocks("01/01/2021", "31/12/2021");
    expect(nakamotoCoefficient(year, 0.5)).toBe(4);
    expect(hhi(year)).toBeCloseTo(975.206, 3);
  });

  test("every window of 30 days has figures within their bounds", () => {
    for (let start = 0; start + 30 <= days.length; start += 30) {
      const window = blocks(days[start] ?? "", days[start + 29] ?? "");
      const coefficient = nakamotoCoefficient(window, 0.5) ?? 0;
      expect(coefficient).toBeGreaterThanOrEqual(1);
      expect(coefficient).toBeLessThanOrEqual(6);
      expect(hhi(window)).toBeGreaterThan(10_000 / window.length);
      expect(gini(window)).toBeLessThan(1);
    }
  });
});
