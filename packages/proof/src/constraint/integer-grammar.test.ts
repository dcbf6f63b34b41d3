import fc from "fast-check";
import { expect, test } from "vitest";
import { startOf, stepGrammar } from "./grammar.ts";
import { integersBetween } from "./integer-grammar.ts";

function accepts(least: number, most: number, written: string): boolean {
  let state = startOf(integersBetween(least, most));
  for (const character of written) {
    state = stepGrammar(state, character.codePointAt(0) ?? 0);
  }
  return state.ends;
}

test("all integers between two are written, and no other", () => {
  for (let least = -112; least <= 112; least += 7) {
    for (let most = least; most <= 123; most += 9) {
      for (let value = -130; value <= 130; value++) {
        expect(accepts(least, most, String(value)), `${least} ${value} ${most}`).toBe(value >= least && value <= most);
      }
    }
  }
});

test("of any length", () => {
  const integer = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -2_000, max: 2_000 }));
  fc.assert(
    fc.property(integer, integer, integer, fc.integer({ min: -1, max: 1 }), (a, b, value, beside) => {
      const [least, most] = [Math.min(a, b), Math.max(a, b)];
      for (const each of [value, least + beside, most + beside].filter(Number.isSafeInteger)) {
        expect(accepts(least, most, String(each)), `${least} ${each} ${most}`).toBe(each >= least && each <= most);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("without leading zeros, and zero without a sign", () => {
  for (const written of ["", "-", "-0", "00", "01", "-01", "+1"]) {
    expect(accepts(-10, 10, written), written).toBe(false);
  }
});
