import { PLAIN_SAMPLING, type Sampling } from "@depinfer/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MARGIN_OPTIONS } from "./calibration.ts";
import type { ScoredPosition } from "./margin.ts";
import { type Candidates, createSampler } from "./sampler.ts";
import { shapedMargins } from "./shaped-margin.ts";
import { createShaping, type Shaping, type Vocabulary } from "./shaping.ts";

/** Token ids are characters, but for these. */
const END = 1;
const WORDS = new Map([
  [300, '["'],
  [301, '[  "'],
  [302, "[1"],
]);

const vocabulary: Vocabulary = {
  text: (token) => (token === END ? "" : (WORDS.get(token) ?? String.fromCharCode(token))),
  endsTurn: (token) => token === END,
  byLength: () => [...WORDS.keys(), ...Array.from({ length: 95 }, (_, index) => 32 + index)],
  endTokens: [END],
};
const seed = new Uint8Array(32).fill(9);

function shapingOf(changes: Partial<Sampling>, temperature = 1): Shaping {
  const shaping = createShaping({ ...PLAIN_SAMPLING, ...changes, temperature }, vocabulary);
  if (shaping === null || shaping === "forbidden") {
    throw new Error("nothing is shaped");
  }
  return shaping;
}

const raw = (...pairs: readonly (readonly [number, number])[]): Candidates => ({
  tokens: pairs.map(([token]) => token),
  logits: pairs.map(([, logit]) => logit),
});

/** As an engine scores them: what was chosen at each position, out of the same candidates. */
const scored = (candidates: Candidates, ...chosen: readonly number[]): ScoredPosition[] =>
  chosen.map((token) => ({
    ...candidates,
    chosen: token,
    chosenLogit: candidates.logits[candidates.tokens.indexOf(token)] ?? Number.NEGATIVE_INFINITY,
  }));

const judged = (
  candidates: Candidates,
  changes: Partial<Sampling>,
  temperature: number,
  ...chosen: readonly number[]
) => shapedMargins(scored(candidates, ...chosen), shapingOf(changes, temperature), temperature, seed, MARGIN_OPTIONS);

const LIST = { constraint: { kind: "schema", schema: { type: "array", items: { type: "string" } } } } as const;
/** None of these may begin a list. */
const prose = raw([65, 5], [66, 4], [67, 3]);

describe("shaping", () => {
  test("is nothing where nothing is asked for", () => {
    expect(createShaping({ ...PLAIN_SAMPLING, logprobs: 5, temperature: 1 }, vocabulary)).toBeNull();
  });

  test("adds biases, then takes penalties for what the answer has, and puts the best first", () => {
    const shaping = shapingOf({ logitBias: [[67, 3]], presencePenalty: 1, frequencyPenalty: 0.5 });
    expect(shaping.window.also).toEqual([67]);
    expect(shaping.shape(prose)).toEqual({ tokens: [67, 65, 66], logits: [6, 5, 4], forced: null });
    shaping.push(67);
    shaping.push(67);
    shaping.push(65);
    expect(shaping.shape(prose)).toEqual({ tokens: [66, 67, 65], logits: [4, 4, 3.5], forced: null });
  });

  test("keeps the smallest set with the mass of top_p, always one", () => {
    const even = raw([65, 1], [66, 1], [67, 1], [68, 1]);
    expect(shapingOf({ topP: 0.5 }).shape(even).tokens).toEqual([65, 66]);
    expect(shapingOf({ topP: 0.51 }).shape(even).tokens).toEqual([65, 66, 67]);
    expect(shapingOf({ topP: 1e-9 }).shape(even).tokens).toEqual([65]);
    expect(shapingOf({ topP: 0.1 }, 0).shape(even).tokens).toEqual([65, 66, 67, 68]);
  });

  test("drops what the constraint forbids, and forces the longest token where nothing is left", () => {
    const shaping = shapingOf(LIST);
    expect(shaping.shape(raw([65, 5], [91, 1])).tokens).toEqual([91]);
    // `[  "` has no more than `["` but white space, and the lower id goes first.
    expect(shaping.shape(prose)).toEqual({ tokens: [], logits: [], forced: 300 });
    expect(shaping.push(300)).toBe(true);
    expect(shaping.push(34)).toBe(true);
    expect(shaping.push(END)).toBe(false);
    expect(shaping.push(93)).toBe(true);
    expect(shaping.shape(prose).forced).toBe(END);
  });

  test("of an answer that is gone on with stands where the tokens before have led", () => {
    const at = createShaping({ ...PLAIN_SAMPLING, ...LIST, temperature: 1 }, vocabulary, [91, 34, 65]);
    expect(at !== null && at !== "forbidden" && at.allows(93)).toBe(true);
    expect(createShaping({ ...PLAIN_SAMPLING, ...LIST, temperature: 1 }, vocabulary, [65])).toBe("forbidden");
  });
});

describe("the margin of a shaped answer", () => {
  test("is 0 for whatever the sampler draws from the same candidates", () => {
    const logit = fc.double({ min: -5, max: 5, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 32, max: 126 }), logit), { minLength: 1, maxLength: 90 }),
        fc.record({
          topP: fc.constantFrom(1, 0.9, 0.4),
          presencePenalty: fc.constantFrom(0, 1, -1),
          frequencyPenalty: fc.constantFrom(0, 0.5),
          logitBias: fc.constantFrom([], [[40, 3] as const], [[41, -100] as const]),
        }),
        fc.constantFrom(0, 0.5, 1),
        (pairs, changes, temperature) => {
          const unique = [...new Map(pairs)].toSorted((a, b) => b[1] - a[1]);
          const candidates = raw(...unique);
          const shaping = createShaping({ ...PLAIN_SAMPLING, ...changes, temperature }, vocabulary);
          if (shaping === null || shaping === "forbidden") {
            return;
          }
          const draw = createSampler(temperature, seed);
          const chosen = Array.from({ length: 5 }, (_, position) => {
            const token = draw(shaping.shape(candidates), position);
            shaping.push(token);
            return token;
          });
          const { positions, faults } = judged(candidates, changes, temperature, ...chosen);
          expect(faults).toEqual([]);
          expect(positions.map(({ margin }) => margin)).toEqual([0, 0, 0, 0, 0]);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("is a fault for a token that the constraint forbids or another than the forced one", () => {
    expect(judged(prose, LIST, 1, 300, END).faults).toEqual([
      "the token at position 1 is one that the constraint forbids",
    ]);
    expect(judged(prose, LIST, 1, 65).faults).toHaveLength(1);
    expect(judged(prose, LIST, 1, 91).faults).toEqual(["the token at position 0 is not the one that had to come"]);
    expect(judged(prose, LIST, 1, 300)).toEqual({ faults: [], positions: [{ margin: 0, informative: false }] });
  });

  test("is full for a token outside the nucleus, and for a forced one that was not forced", () => {
    const steep = raw([65, 9], [66, 1]);
    expect(judged(steep, { topP: 0.5 }, 1, 66).positions).toEqual([{ margin: MARGIN_OPTIONS.clip, informative: true }]);
    const open = raw([91, 5], [65, 4]);
    expect(judged(open, LIST, 1, 300).positions[0]?.margin).toBe(MARGIN_OPTIONS.clip);
  });

  test("is large for one that ignores a penalty", () => {
    const repeated = Array.from({ length: 6 }, () => 65);
    const { positions } = judged(prose, { frequencyPenalty: 2 }, 0, ...repeated);
    expect(positions.map(({ margin }) => margin > 0)).toEqual([false, true, true, true, true, true]);
  });
});
