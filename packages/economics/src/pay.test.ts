import fc from "fast-check";
import { expect, test } from "vitest";
import { cappedEmission, divideCost } from "./index.ts";

const costs = fc.bigInt(0n, 10n ** 15n);
const fees = fc.integer({ min: 0, max: 10_000 });

test("a cost is divided to the unit", () => {
  expect(divideCost(1_000_019n, 500)).toEqual({ provider: 950_019n, fee: 50_000n });
  fc.assert(
    fc.property(costs, fees, (cost, feeBps) => {
      const { provider, fee } = divideCost(cost, feeBps);
      expect(provider + fee).toBe(cost);
      expect(fee).toBeGreaterThanOrEqual(0n);
    }),
  );
});

test("T6: buying from oneself never earns, whatever is emitted for it", () => {
  fc.assert(
    fc.property(costs, fees, fc.bigInt(-(10n ** 15n), 10n ** 18n), (cost, feeBps, wanted) => {
      const pay = divideCost(cost, feeBps);
      expect(pay.provider + cappedEmission(wanted, pay) - cost).toBeLessThanOrEqual(0n);
    }),
  );
});

test("splitting a job into parts never raises its fee, and merging never raises the pay by more than a unit a part", () => {
  fc.assert(
    fc.property(fc.array(costs, { minLength: 1, maxLength: 20 }), fees, (parts, feeBps) => {
      const whole = divideCost(
        parts.reduce((sum, part) => sum + part, 0n),
        feeBps,
      );
      const pays = parts.map((part) => divideCost(part, feeBps).provider);
      const together = pays.reduce((sum, provider) => sum + provider, 0n);
      expect(together).toBeGreaterThanOrEqual(whole.provider);
      expect(together - whole.provider).toBeLessThan(BigInt(parts.length));
    }),
  );
});

test("costs and fees that cannot be are refused", () => {
  expect(() => divideCost(-1n, 500)).toThrow(RangeError);
  expect(() => divideCost(1n, 10_001)).toThrow(RangeError);
  expect(() => divideCost(1n, 0.5)).toThrow(RangeError);
});
