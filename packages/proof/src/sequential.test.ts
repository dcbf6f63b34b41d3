import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CountedVerdict,
  createEvidence,
  type EvidenceBounds,
  type EvidenceState,
  NO_EVIDENCE,
} from "./sequential.ts";

const BOUNDS: EvidenceBounds = {
  honestMismatchRate: 0.01,
  honestMeanMargin: 0.004,
  clip: 2,
  weakestCheatRate: 0.05,
  minimumTokens: 64,
};

/** Mulberry32: a fixed sequence, so that a rare run is the same run again. */
function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A verdict on `tokens` tokens with the given mismatch rate; each mismatch has margin 0.8 in the mean, uniform. */
function verdict(random: () => number, tokens: number, rate: number, meanOfMismatch = 0.8): CountedVerdict {
  let mismatches = 0;
  let marginMicros = 0;
  for (let i = 0; i < tokens; i++) {
    if (random() < rate) {
      mismatches += 1;
      marginMicros += Math.floor(random() * 2 * meanOfMismatch * 1e6);
    }
  }
  return { tokens, mismatches, marginMicros };
}

const counted = fc
  .tuple(
    fc.integer({ min: 0, max: 400 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([tokens, share, size]): CountedVerdict => {
    const mismatches = Math.floor(tokens * share);
    return { tokens, mismatches, marginMicros: Math.floor(mismatches * size * BOUNDS.clip * 1e6) };
  });

const sum = (evidence: ReturnType<typeof createEvidence>, verdicts: readonly CountedVerdict[]) =>
  verdicts.reduce<EvidenceState>(evidence.add, NO_EVIDENCE);

describe("evidence", () => {
  const evidence = createEvidence(BOUNDS);

  test("is the same in whatever order the verdicts come, but for its peak", () => {
    fc.assert(
      fc.property(fc.array(counted, { maxLength: 20 }), fc.infiniteStream(fc.nat()), (verdicts, keys) => {
        const shuffled = verdicts
          .map((one) => ({ one, key: keys.next().value ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ one }) => one);
        const { peak: _first, ...there } = sum(evidence, verdicts);
        const { peak: _second, ...here } = sum(evidence, shuffled);
        expect(here).toEqual(there);
      }),
    );
  });

  test("is the product of the factors of single verdicts, grid point by grid point", () => {
    // The formula written out once more, without logarithms; small enough not to overflow.
    fc.assert(
      fc.property(fc.array(counted, { minLength: 1, maxLength: 4 }), (many) => {
        const verdicts = many.map(({ tokens, mismatches, marginMicros }) => {
          const few = Math.min(mismatches, 9);
          return { tokens, mismatches: few, marginMicros: Math.min(marginMicros, few * 2e6) };
        });
        const mean = (values: number[]) => values.reduce((total, value) => total + value, 0) / values.length;
        const grid = [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8];
        const mixture = (amount: (one: CountedVerdict) => number, rate: number) =>
          mean(
            grid.map((theta) =>
              verdicts.reduce(
                (product, one) =>
                  product * (Math.exp(theta * amount(one)) / (1 + (Math.exp(theta) - 1) * rate) ** one.tokens),
                1,
              ),
            ),
          );
        const e1 = mixture(({ mismatches }) => mismatches, BOUNDS.honestMismatchRate);
        const e2 = mixture(({ marginMicros }) => marginMicros / 2e6, BOUNDS.honestMeanMargin / 2);
        const { logEvidence } = evidence.outcome(sum(evidence, verdicts), 1);
        expect(logEvidence).toBeCloseTo(Math.log((e1 + e2) / 2), 8);
      }),
    );
  });

  test("continues from its JSON as if nothing had happened", () => {
    fc.assert(
      fc.property(fc.array(counted), fc.array(counted), (before, after) => {
        const kept: EvidenceState = JSON.parse(JSON.stringify(sum(evidence, before)));
        expect(after.reduce(evidence.add, kept)).toEqual(sum(evidence, [...before, ...after]));
      }),
    );
  });

  test("starts at nothing and stays finite however much there is", () => {
    expect(evidence.outcome(NO_EVIDENCE, 1)).toMatchObject({
      outcome: "inconclusive",
      logEvidence: 0,
      logCleared: 0,
    });
    const huge = { tokens: 4e9, mismatches: 4e9, marginMicros: 8e15 };
    expect(evidence.outcome(evidence.add(NO_EVIDENCE, huge), 1)).toMatchObject({ outcome: "fail" });
    expect(Number.isFinite(evidence.outcome(evidence.add(NO_EVIDENCE, huge), 1).logEvidence)).toBe(true);
    const honest = evidence.add(NO_EVIDENCE, { tokens: 4e9, mismatches: 0, marginMicros: 0 });
    expect(evidence.outcome(honest, 1)).toMatchObject({ outcome: "pass" });
    expect(Number.isFinite(evidence.outcome(honest, 1).logCleared)).toBe(true);
  });

  test("convicts nobody on fewer tokens than the class needs, and counts them later", () => {
    const few = evidence.add(NO_EVIDENCE, { tokens: 63, mismatches: 63, marginMicros: 126e6 });
    expect(evidence.outcome(few, 1).logEvidence).toBeGreaterThan(evidence.outcome(few, 1).failAt);
    expect(evidence.outcome(few, 1).outcome).not.toBe("fail");
    expect(evidence.outcome(evidence.add(few, { tokens: 1, mismatches: 0, marginMicros: 0 }), 1).outcome).toBe("fail");
  });

  test("keeps a conviction, whatever comes after", () => {
    const guilty = evidence.add(NO_EVIDENCE, { tokens: 100, mismatches: 30, marginMicros: 20e6 });
    expect(evidence.outcome(guilty, 1).outcome).toBe("fail");
    const later = evidence.add(guilty, { tokens: 1e6, mismatches: 0, marginMicros: 0 });
    expect(evidence.outcome(later, 1).logEvidence).toBeLessThan(evidence.outcome(later, 1).failAt);
    expect(evidence.outcome(later, 1).outcome).toBe("fail");
  });

  test("shares the error among all providers that will ever register", () => {
    let total = 0;
    for (let ordinal = 1; ordinal <= 10_000; ordinal++) {
      total += Math.exp(-evidence.outcome(NO_EVIDENCE, ordinal).failAt);
    }
    expect(total).toBeGreaterThan(0.99e-4);
    expect(total).toBeLessThanOrEqual(1e-4);
    const alone = Math.exp(-evidence.outcome(NO_EVIDENCE, 3).failAt);
    let classes = 0;
    for (let classOrdinal = 1; classOrdinal <= 10_000; classOrdinal++) {
      classes += Math.exp(-evidence.outcome(NO_EVIDENCE, 3, classOrdinal).failAt);
    }
    expect(classes).toBeGreaterThan(0.99 * alone);
    expect(classes).toBeLessThanOrEqual(alone);
    expect(() => evidence.outcome(NO_EVIDENCE, 0)).toThrow(RangeError);
    expect(() => evidence.outcome(NO_EVIDENCE, 1, 0)).toThrow(RangeError);
  });

  test.each([
    { tokens: 3, mismatches: 4, marginMicros: 0 },
    { tokens: 3, mismatches: 1, marginMicros: 2_000_001 },
    { tokens: -1, mismatches: 0, marginMicros: 0 },
    { tokens: 1.5, mismatches: 0, marginMicros: 0 },
    { tokens: 3, mismatches: 0, marginMicros: 1 },
    { tokens: Number.NaN, mismatches: 0, marginMicros: 0 },
  ])("refuses the impossible verdict %o", (impossible) => {
    expect(() => evidence.add(NO_EVIDENCE, impossible)).toThrow(
      expect.objectContaining({ code: "evidence.impossible" }),
    );
  });

  test.each([
    { honestMismatchRate: 0 },
    { honestMismatchRate: 0.06 },
    { honestMeanMargin: 2 },
    { weakestCheatRate: 1 },
    { clip: Number.NaN },
    { minimumTokens: -1 },
  ])("refuses the bounds %o", (bad) => {
    expect(() => createEvidence({ ...BOUNDS, ...bad })).toThrow(
      expect.objectContaining({ code: "evidence.badBounds" }),
    );
  });
});

describe("errors", () => {
  const ALPHA = 0.05;
  // The first provider has half of α: 0.1 gives it the 0.05 that can be seen in a few thousand runs.
  const evidence = createEvidence({ ...BOUNDS, minimumTokens: 0 }, { alpha: 2 * ALPHA, beta: ALPHA });

  /** Share of runs of 300 verdicts whose outcome is ever `wanted`. The length of a verdict may depend on what was. */
  function everShare(wanted: "pass" | "fail", rate: number, runs: number, seed: number, marginOfMismatch?: number) {
    const random = randomness(seed);
    let reached = 0;
    for (let run = 0; run < runs; run++) {
      let state = NO_EVIDENCE;
      for (let i = 0; i < 300; i++) {
        // One who wants a false result stops small when it goes well and dilutes nothing when it does not.
        const tokens = evidence.outcome(state, 1).logEvidence > 1 ? 4 : 40;
        state = evidence.add(state, verdict(random, tokens, rate, marginOfMismatch));
        if (evidence.outcome(state, 1).outcome === wanted) {
          reached += 1;
          break;
        }
      }
    }
    return reached / runs;
  }

  test("of conviction: honest providers at the very bound are ever convicted in at most α of the runs", () => {
    // The margins of mismatches are such that the mean margin is exactly at its bound, too.
    const share = everShare("fail", BOUNDS.honestMismatchRate, 2_000, 1, 0.4);
    expect(share).toBeLessThanOrEqual(ALPHA);
    // The runs can tell: a third above the bound is seen far more often.
    expect(everShare("fail", 1.5 * BOUNDS.honestMismatchRate, 500, 2, 0.4)).toBeGreaterThan(2 * ALPHA);
  }, 60_000);

  test("of acquittal: providers at the weakest cheat's rate are ever passed in at most β of the runs", () => {
    expect(everShare("pass", BOUNDS.weakestCheatRate, 2_000, 3)).toBeLessThanOrEqual(ALPHA);
    expect(everShare("pass", BOUNDS.weakestCheatRate / 2, 500, 4)).toBeGreaterThan(2 * ALPHA);
  }, 60_000);

  test("are rare and the truth is found: cheats at the weakest rate are convicted, honest ones passed", () => {
    const strict = createEvidence(BOUNDS);
    const random = randomness(5);
    const after = (rate: number, tokens: number) => {
      const outcomes = Array.from({ length: 200 }, () => {
        const state = strict.add(NO_EVIDENCE, verdict(random, tokens, rate));
        return strict.outcome(state, 10).outcome;
      });
      return (wanted: string) => outcomes.filter((outcome) => outcome === wanted).length / outcomes.length;
    };
    const cheats = after(BOUNDS.weakestCheatRate, 1_500);
    expect(cheats("fail")).toBeGreaterThan(0.95);
    const honest = after(BOUNDS.honestMismatchRate / 2, 1_500);
    expect(honest("pass")).toBeGreaterThan(0.95);
    expect(honest("fail")).toBe(0);
  });

  test("are bounded by margins too, where mismatches are as rare as honest but large", () => {
    const strict = createEvidence({ ...BOUNDS, honestMismatchRate: 0.04 });
    const state = strict.add(NO_EVIDENCE, { tokens: 5_000, mismatches: 200, marginMicros: 400e6 });
    expect(strict.outcome(state, 1).outcome).toBe("fail");
  });
});
