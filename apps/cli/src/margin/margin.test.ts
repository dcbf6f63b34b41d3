import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorCode } from "@depinfer/protocol";
import { statementLineSchema } from "@depinfer/protocol/api";
import { afterAll, describe, expect, test } from "vitest";
import { type GivenCosts, readCosts } from "./costs.ts";
import { marginsOf } from "./statement-margin.ts";

const folder = mkdtempSync(join(tmpdir(), "depinfer-margin-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const nothing: Readonly<Record<keyof GivenCosts, unknown>> = {
  watts: undefined,
  wattsIdle: undefined,
  kwh: undefined,
  hardware: undefined,
  lifetimeMonths: undefined,
};
const file = (content: string) => {
  const path = join(folder, "costs.json");
  writeFileSync(path, content);
  return path;
};

describe("costs", () => {
  test("flags go before the file, the file before what is assumed, and that is said", () => {
    const { costs, assumed } = readCosts({ ...nothing, watts: 100 }, file('{"watts": 9, "kwh": "0.25"}'));
    expect(costs).toEqual({
      wattsAtWork: 100,
      wattsIdle: 60,
      kilowattHour: 250_000n,
      hardware: 1_800_000_000n,
      lifetimeHours: 26_280,
    });
    expect(assumed).toEqual([
      "60 W idle (--watts-idle)",
      "$1,800 for the machine (--hardware)",
      "36 months until it is written off (--lifetime-months)",
    ]);
  });

  test("what is free costs nothing", () => {
    const given = { watts: 0, wattsIdle: 0, kwh: "0", hardware: 0, lifetimeMonths: 1 };
    expect(readCosts(given, undefined)).toMatchObject({ costs: { kilowattHour: 0n, hardware: 0n }, assumed: [] });
  });

  test.each([
    "",
    "[]",
    "{",
    '{"watts": -1}',
    '{"watts": 1.5}',
    '{"kwh": "cheap"}',
    '{"colour": "red"}',
    '{"lifetimeMonths": 0}',
  ])("a file with %s is refused by its name", (content) => {
    const path = file(content);
    const work = () => readCosts(nothing, path);
    expect(work).toThrow(path);
    expect(codeOf(work)).toBe("margin.badCosts");
  });

  test.each([
    [{ kwh: "cheap" }, '--kwh: "cheap" is no amount of dollars such as 0.30'],
    [{ hardware: "-1" }, '--hardware: "-1" is no amount'],
    [{ lifetimeMonths: 0 }, "--lifetime-months: "],
    [{ wattsIdle: 2_000_000 }, "--watts-idle: "],
  ])("a flag that cannot be used is refused by its name: %o", (flags, message) => {
    const work = () => readCosts({ ...nothing, ...flags }, undefined);
    expect(work).toThrow(message);
    expect(codeOf(work)).toBe("margin.badCosts");
  });

  test("a file that is not there is refused", () => {
    expect(codeOf(() => readCosts(nothing, join(folder, "nowhere.json")))).toBe("margin.badCosts");
  });
});

/*
 * Worked by hand, the machine of `packages/economics/src/margin.test.ts` ($1,800 over 26,280 hours, 350 W and 60 W, $0.30 per kWh).
 *
 *   first hour: online 60 min, 36 of them at work, paid $0.25, no fee
 *     power         0.35 · 0.6 + 0.06 · 0.4 = 0.234 kWh · 0.30   = $0.0702        70,200 units
 *     depreciation  1,800 / 26,280                               = $0.0684931…    68,494
 *     margin        0.25 − 0.0702 − 0.068494                     = $0.111306     111,306
 *   second hour: online 30 min, none at work, paid nothing
 *     power         0.06 · 0.5 = 0.03 kWh · 0.30                 = $0.009          9,000
 *     depreciation  half of the above                            = $0.0342465…    34,247
 *     margin                                                     = −$0.043247    −43,247
 *   together: power 79,200; depreciation 1.5 · 68,493.15 = 102,739.73 → 102,740, a unit less than the lines, which round up by
 *     themselves; margin 250,000 − 79,200 − 102,740 = 68,060
 */
test("a statement's margins are what they are by hand", () => {
  const line = (key: string, minutes: number, atWork: number, paid: string) =>
    statementLineSchema.parse({
      key,
      requests: 1,
      promptTokens: 1,
      outputTokens: 1,
      paid,
      msOnline: minutes * 60_000,
      msAtWork: atWork * 60_000,
    });
  const { costs } = readCosts(nothing, undefined);
  const { lines, total } = marginsOf([line("a", 60, 36, "250000"), line("b", 30, 0, "0")], 0, costs);
  expect(lines.map(({ power, depreciation, margin }) => [power, depreciation, margin])).toEqual([
    [70_200n, 68_494n, 111_306n],
    [9_000n, 34_247n, -43_247n],
  ]);
  expect(total).toEqual({ revenue: 250_000n, fee: 0n, power: 79_200n, depreciation: 102_740n, margin: 68_060n });
});

test("no lines make no money", () => {
  expect(marginsOf([], 0, readCosts(nothing, undefined).costs)).toMatchObject({ lines: [], total: { margin: 0n } });
});

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return errorCode(error);
  }
}
