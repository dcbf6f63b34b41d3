import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type SettledPass, shareSurplus } from "./index.ts";

const providers = ["a", "b", "c", "d"] as const;
const settledPass: fc.Arbitrary<SettledPass> = fc.record({
  id: fc.bigInt(1n, 1_000n),
  surplus: fc.bigInt(0n, 10n ** 12n),
  served: fc
    .dictionary(fc.constantFrom(...providers), fc.bigInt(0n, 10n ** 12n))
    .map((tokens) => new Map(Object.entries(tokens))),
});

function total(shares: ReadonlyMap<string, bigint>): bigint {
  return [...shares.values()].reduce((sum, amount) => sum + amount, 0n);
}

test("a pass's surplus goes to those who served it, by tokens", () => {
  const served = new Map([
    ["a", 300n],
    ["b", 100n],
  ]);
  expect(shareSurplus([{ id: 1n, surplus: 1_000n, served }])).toEqual(
    new Map([
      ["a", 750n],
      ["b", 250n],
    ]),
  );
});

describe("farming", () => {
  test("nobody gets more than the surplus of the passes that it served", () => {
    fc.assert(
      fc.property(fc.array(settledPass, { maxLength: 20 }), fc.subarray([...providers]), (passes, coalition) => {
        const reach = passes
          .filter(({ served }) => coalition.some((name) => (served.get(name) ?? 0n) > 0n))
          .reduce((sum, { surplus }) => sum + surplus, 0n);
        const shares = shareSurplus(passes);
        expect(coalition.reduce((sum, name) => sum + (shares.get(name) ?? 0n), 0n)).toBeLessThanOrEqual(reach);
      }),
    );
  });

  test("using up a pass of one's own takes nothing from the passes of others", () => {
    fc.assert(
      fc.property(fc.array(settledPass, { maxLength: 10 }), fc.bigInt(1n, 10n ** 12n), (others, tokens) => {
        const before = shareSurplus(others);
        const own = { id: 0n, surplus: 0n, served: new Map([["a", tokens]]) };
        expect(shareSurplus([...others, own])).toEqual(before);
      }),
    );
  });

  test("requests without tokens earn nothing", () => {
    const served = new Map([
      ["honest", 1n],
      ["empty", 0n],
    ]);
    expect(shareSurplus([{ id: 1n, surplus: 99n, served }])).toEqual(new Map([["honest", 99n]]));
    expect(shareSurplus([{ id: 2n, surplus: 99n, served: new Map([["empty", 0n]]) }])).toEqual(new Map());
  });

  test("splitting a provider into several changes nothing but rounding, in nobody's favour", () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 10n ** 12n),
        fc.bigInt(1n, 10n ** 9n),
        fc.bigInt(1n, 10n ** 9n),
        (surplus, one, two) => {
          const other = 1_000n;
          const whole = shareSurplus([
            {
              id: 1n,
              surplus,
              served: new Map([
                ["w", one + two],
                ["other", other],
              ]),
            },
          ]);
          const split = shareSurplus([
            {
              id: 1n,
              surplus,
              served: new Map([
                ["w1", one],
                ["w2", two],
                ["other", other],
              ]),
            },
          ]);
          expect((split.get("w1") ?? 0n) + (split.get("w2") ?? 0n)).toBeLessThanOrEqual(whole.get("w") ?? 0n);
        },
      ),
    );
  });
});

test("never more is shared than was left", () => {
  fc.assert(
    fc.property(fc.array(settledPass, { maxLength: 20 }), (passes) => {
      const surplus = passes.reduce((sum, pass) => sum + pass.surplus, 0n);
      expect(total(shareSurplus(passes))).toBeLessThanOrEqual(surplus);
    }),
  );
});

test("negative input is refused", () => {
  expect(() => shareSurplus([{ id: 3n, surplus: -1n, served: new Map() }])).toThrow("pass 3 has a negative");
  expect(() => shareSurplus([{ id: 3n, surplus: 1n, served: new Map([["a", -1n]]) }])).toThrow("pass 3 has a negative");
});
