import { array, assert, integer, property, record } from "fast-check";
import { expect, test } from "vitest";
import { type Bucket, filled, givenBack, taken, waitFor } from "./token-bucket.ts";

const start = 1_800_000_000_000;

test("in any span no more is taken than was in the bucket and came in meanwhile, and a wait is exact", () => {
  const step = record({ wait: integer({ min: 0, max: 90_000 }), amount: integer({ min: 1, max: 40 }) });
  assert(
    property(array(step, { minLength: 1, maxLength: 60 }), integer({ min: 1, max: 100 }), (steps, perMinute) => {
      let bucket: Bucket | undefined;
      let now = start;
      let total = 0;
      for (const { wait, amount } of steps) {
        now += wait;
        const level = filled(bucket, perMinute, now);
        const until = waitFor(level, perMinute, amount);
        if (until === 0 && amount <= perMinute) {
          bucket = taken(level, amount);
          total += amount;
        } else if (amount <= perMinute) {
          bucket = level;
          expect(waitFor(filled(level, perMinute, now + until), perMinute, amount)).toBeLessThanOrEqual(1);
          expect(waitFor(filled(level, perMinute, now + until - 2), perMinute, amount)).toBeGreaterThan(0);
        }
      }
      expect(total).toBeLessThanOrEqual(perMinute + ((now - start) * perMinute) / 60_000 + 1e-6);
    }),
    { numRuns: 2_000 },
  );
});

test("what is given back never overfills, and a clock that goes back gives nothing", () => {
  const full = filled(undefined, 10, start);
  expect(givenBack(full, 10, 5)).toEqual(full);
  const used = taken(full, 10);
  expect(filled(used, 10, start - 60_000)).toEqual(used);
  expect(filled(used, 10, start + 30_000).level).toBe(5);
  expect(filled(used, 10, start + 3_600_000).level).toBe(10);
});
