import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expectedMarginPerHour, type MachineCosts, marginOf, type Prospect } from "./margin.ts";

/*
 * Worked by hand. A machine of $1,800, sold for nothing after 36 months of 730 hours (26,280 hours), 350 W at work and 60 W
 * idle, at $0.30 per kWh. In one hour it is at work for 36 minutes and is paid $0.25, of which the protocol keeps 5 %.
 *
 *   fee            0.25 · 0.05                          = $0.0125       12,500 units
 *   energy         0.35 kW · 0.6 h + 0.06 kW · 0.4 h    = 0.234 kWh
 *   power          0.234 · 0.30                         = $0.0702       70,200
 *   depreciation   1,800 / 26,280                       = $0.068493…    68,494 (rounded up)
 *   margin         0.25 − 0.0125 − 0.0702 − 0.068494    = $0.098806     98,806
 */
const COSTS: MachineCosts = {
  wattsAtWork: 350,
  wattsIdle: 60,
  kilowattHour: 300_000n,
  hardware: 1_800_000_000n,
  lifetimeHours: 26_280,
};
const HOUR = 3_600_000n;

test("an hour is what it is by hand", () => {
  expect(marginOf({ ms: HOUR, msAtWork: 2_160_000n, paid: 250_000n, feeBps: 500 }, COSTS)).toEqual({
    revenue: 250_000n,
    fee: 12_500n,
    power: 70_200n,
    depreciation: 68_494n,
    margin: 98_806n,
  });
});

/*
 * By hand: 2,000 tokens/s read, 50 tokens/s written, three prompt tokens for each output token: 3/2000 + 1/50 = 0.0215 s per
 * output token. At a utilisation of .6 that is 2,160 s / 0.0215 = 100,465 output and 301,395 prompt tokens an hour. At $0.10 and
 * $0.40 per million: 0.0301395 + 0.040186 = 30,139 + 40,186 = 70,325 units; fee 3,517 (rounded up).
 */
const PROSPECT: Prospect = {
  promptTokensPerSecond: 2_000,
  outputTokensPerSecond: 50,
  promptPerOutput: 3,
  utilisation: 0.6,
  inputPerMillion: 100_000n,
  outputPerMillion: 400_000n,
  feeBps: 500,
};

describe("before joining", () => {
  test("an hour is expected as by hand", () => {
    expect(expectedMarginPerHour(PROSPECT, COSTS)).toMatchObject({
      outputTokens: 100_465n,
      promptTokens: 301_395n,
      revenue: 70_325n,
      fee: 3_517n,
      power: 70_200n,
      depreciation: 68_494n,
      margin: 70_325n - 3_517n - 70_200n - 68_494n,
    });
  });

  test("the break-even price brings nothing and costs nothing", () => {
    const rate = fc.integer({ min: 1, max: 5_000 });
    fc.assert(
      fc.property(
        rate,
        rate,
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 100 }),
        (read, write, q, percent) => {
          const prospect = {
            ...PROSPECT,
            promptTokensPerSecond: read,
            outputTokensPerSecond: write,
            promptPerOutput: q,
            utilisation: percent / 100,
          };
          const { breakEvenOutputPerMillion: price, outputTokens } = expectedMarginPerHour(prospect, COSTS);
          if (price === null) {
            expect(outputTokens).toBe(0n);
            return;
          }
          const at = expectedMarginPerHour({ ...prospect, outputPerMillion: price }, COSTS);
          // Rounding: the price is a whole number of units per million tokens, and each part is rounded once.
          const slack = outputTokens / 1_000_000n + 4n;
          if (price > 0n) {
            expect(at.margin).toBeGreaterThanOrEqual(-slack);
            expect(at.margin).toBeLessThanOrEqual(slack);
          } else {
            expect(at.margin).toBeGreaterThanOrEqual(-slack);
          }
        },
      ),
    );
  });

  test("a machine that does nothing costs its idle power and its age", () => {
    const idle = expectedMarginPerHour({ ...PROSPECT, utilisation: 0 }, COSTS);
    expect(idle).toMatchObject({
      revenue: 0n,
      power: 18_000n,
      margin: -18_000n - 68_494n,
      breakEvenOutputPerMillion: null,
    });
  });
});

test("stretches add up: costs of the parts are those of the whole, but for rounding", () => {
  const part = fc.record({ ms: fc.bigInt({ min: 0n, max: 10n ** 9n }), paid: fc.bigInt({ min: 0n, max: 10n ** 9n }) });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 10 }), (parts) => {
      const of = ({ ms, paid }: { ms: bigint; paid: bigint }) =>
        marginOf({ ms, msAtWork: ms / 2n, paid, feeBps: 500 }, COSTS);
      const each = parts.map(of).reduce((sum, { margin }) => sum + margin, 0n);
      const whole = of({
        ms: parts.reduce((sum, { ms }) => sum + ms, 0n),
        paid: parts.reduce((sum, { paid }) => sum + paid, 0n),
      }).margin;
      expect(whole - each).toBeGreaterThanOrEqual(-BigInt(parts.length));
      expect(whole - each).toBeLessThanOrEqual(BigInt(4 * parts.length));
    }),
  );
});

test.each([
  [{ msAtWork: HOUR + 1n }, {}],
  [{ msAtWork: -1n }, {}],
  [{ paid: -1n }, {}],
  [{ feeBps: 10_001 }, {}],
  [{ feeBps: 0.5 }, {}],
  [{}, { wattsAtWork: -1 }],
  [{}, { wattsIdle: Number.NaN }],
  [{}, { lifetimeHours: 0 }],
  [{}, { lifetimeHours: Number.POSITIVE_INFINITY }],
  [{}, { hardware: -1n }],
  [{}, { kilowattHour: -1n }],
])("%o and %o are refused", (stretch, costs) => {
  const good = { ms: HOUR, msAtWork: 0n, paid: 0n, feeBps: 500 };
  expect(() => marginOf({ ...good, ...stretch }, { ...COSTS, ...costs })).toThrow(/ is /);
});

test.each([
  { outputTokensPerSecond: 0 },
  { promptTokensPerSecond: Number.NaN },
  { utilisation: 1.1 },
  { promptPerOutput: -1 },
  { promptPerOutput: Number.POSITIVE_INFINITY },
])("a prospect with %o is refused", (changes) => {
  expect(() => expectedMarginPerHour({ ...PROSPECT, ...changes }, COSTS)).toThrow(/ is /);
});
