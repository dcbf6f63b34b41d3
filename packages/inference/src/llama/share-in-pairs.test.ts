import fc from "fast-check";
import type { BatchItem, Token } from "node-llama-cpp";
import { expect, test } from "vitest";
import { shareInPairs } from "./evaluate.ts";

function isToken(value: number): value is Token {
  return value >= 0;
}

function item(rows: number): BatchItem {
  const tokens = Array.from({ length: rows }, (_, index) => index).filter(isToken);
  return { tokens, logits: [], evaluationPriority: 3 };
}

test("no sequence is ever left with a single row, none is starved, and no place is wasted", () => {
  const pairs = fc.integer({ min: 1, max: 40 }).map((count) => 2 * count);
  fc.assert(
    fc.property(fc.array(pairs, { minLength: 1, maxLength: 24 }), pairs, (rows, size) => {
      const items = rows.map(item);
      const shares = shareInPairs({ items, size });
      for (const { item: shared, processAmount } of shares) {
        expect(processAmount % 2).toBe(0);
        expect(processAmount).toBeGreaterThan(0);
        expect(processAmount).toBeLessThanOrEqual(shared.tokens.length);
      }
      const shared = shares.reduce((sum, { processAmount }) => sum + processAmount, 0);
      const wanted = rows.reduce((sum, count) => sum + count, 0);
      expect(shared).toBe(Math.min(size, wanted));
      expect(shares.length).toBe(Math.min(rows.length, size / 2));
    }),
  );
});
