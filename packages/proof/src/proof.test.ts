import { readFileSync } from "node:fs";
import { fromHex, merkleVerify } from "@depinfer/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Calibration,
  createNonceChain,
  deriveSeed,
  followsInChain,
  gumbel,
  judge,
  LEAF_TOKENS,
  MARGIN_OPTIONS,
  marginStatistic,
  openTranscript,
  positionKey,
  promptHash,
  type ScoredPosition,
  sampleToken,
  seedCommitment,
  transcriptLeaf,
  transcriptRoot,
  UNCALIBRATED,
} from "./index.ts";

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../specs/vectors/${name}.json`, import.meta.url), "utf8"));
const seed = new Uint8Array(32).fill(7);

describe("vectors", () => {
  test("transcripts", () => {
    for (const { tokens, root, promptHash: hash } of read("transcript").cases) {
      expect(transcriptRoot(tokens)).toBe(root);
      expect(promptHash(tokens)).toBe(hash);
    }
  });

  test("seeds, noise, draws and nonces", () => {
    const { parts, seeds, noise, candidates, draws, nonces } = read("sampling");
    for (const { userSeed, seed: wanted, commitment } of seeds) {
      const derived = deriveSeed({ ...parts, userSeed });
      expect(Buffer.from(derived).toString("hex")).toBe(wanted.slice(2));
      expect(seedCommitment(derived)).toBe(commitment);
    }
    const derived = fromHex(seeds[0].seed, 32);
    for (const { position, token, gumbel: wanted } of noise) {
      expect(gumbel(positionKey(derived, position), token)).toBe(wanted);
    }
    for (const { temperature, tokens } of draws) {
      expect(
        tokens.map((_: number, position: number) => sampleToken(candidates, temperature, derived, position)),
      ).toEqual(tokens);
    }
    let previous = nonces.head;
    for (const nonce of nonces.revealed) {
      expect(followsInChain(nonce, previous)).toBe(true);
      previous = nonce;
    }
  });
});

test("draws follow the softmax at the temperature", () => {
  const candidates = { tokens: [0, 1, 2, 3], logits: [2, 1, 0, -1] };
  for (const temperature of [0.5, 1, 2]) {
    const weights = candidates.logits.map((logit) => Math.exp(logit / temperature));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const counts = [0, 0, 0, 0];
    const n = 20_000;
    for (let position = 0; position < n; position++) {
      const token = sampleToken(candidates, temperature, seed, position);
      counts[token] = (counts[token] ?? 0) + 1;
    }
    // Pearson's chi-squared with 3 degrees of freedom: 27.9 is exceeded once in 250,000 by chance, and the seed is fixed.
    const chi = counts.reduce((sum, count, token) => {
      const expected = (n * (weights[token] ?? 0)) / total;
      return sum + (count - expected) ** 2 / expected;
    }, 0);
    expect(chi).toBeLessThan(27.9);
  }
});

test("only the top 64 take part", () => {
  const tokens = Array.from({ length: 100 }, (_, index) => index);
  const drawn = Array.from({ length: 2_000 }, (_, position) =>
    sampleToken({ tokens, logits: tokens.map(() => 0) }, 1, seed, position),
  );
  expect(Math.max(...drawn)).toBeLessThan(64);
});

test("a nonce chain ends and cannot be guessed forward", () => {
  const chain = createNonceChain(seed, 3);
  const nonces = [chain.next(), chain.next(), chain.next()];
  expect(chain.next()).toBeNull();
  expect(followsInChain(nonces[1] ?? "0x", chain.head)).toBe(false);
});

describe("margins", () => {
  const logits = [3, 2.5, 1, 0];
  const scored = (chosen: number): ScoredPosition => ({
    tokens: [10, 11, 12, 13],
    logits,
    chosen,
    chosenLogit: logits[chosen - 10] ?? -9,
  });

  test("an honest choice has margin 0, any other a positive one", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 2, noNaN: true }), fc.nat({ max: 500 }), (temperature, length) => {
        const positions = Array.from({ length: length + 1 }, (_, position) =>
          sampleToken(scored(10), temperature, seed, position),
        );
        const honest = marginStatistic(positions.map(scored), temperature, seed, MARGIN_OPTIONS);
        expect(honest.mismatches).toBe(0);
        expect(honest.meanMargin).toBe(0);
        const cheat = marginStatistic(
          positions.map((token) => scored(token === 10 ? 11 : 10)),
          temperature,
          seed,
          MARGIN_OPTIONS,
        );
        expect(cheat.mismatches).toBe(length + 1);
      }),
      { numRuns: 50 },
    );
  });

  test("greedy compares with the best logit", () => {
    expect(marginStatistic([scored(10)], 0, seed, MARGIN_OPTIONS).margins).toEqual([0]);
    expect(marginStatistic([scored(11)], 0, seed, MARGIN_OPTIONS).margins).toEqual([0.5]);
    expect(marginStatistic([scored(13)], 0, seed, MARGIN_OPTIONS).margins).toEqual([2]);
  });

  test("near-deterministic positions that agree do not count as evidence", () => {
    const sure: ScoredPosition = { tokens: [1, 2], logits: [30, 0], chosen: 1, chosenLogit: 30 };
    expect(marginStatistic([sure, sure], 1, seed, MARGIN_OPTIONS)).toMatchObject({
      tokens: 2,
      informative: 0,
      meanMargin: 0,
    });
    expect(marginStatistic([{ ...sure, chosen: 2, chosenLogit: 0 }], 1, seed, MARGIN_OPTIONS)).toMatchObject({
      informative: 1,
      mismatches: 1,
    });
  });

  describe("a verdict", () => {
    const calibration: Calibration = {
      ...MARGIN_OPTIONS,
      classId: `0x${"c1".repeat(32)}`,
      honestMismatchRate: 1e-5,
      honestMeanMargin: 2e-5,
      weakestCheatRate: 0.1,
      minimumTokens: 8,
    };
    const statistic = { tokens: 60, informative: 20, mismatches: 2, meanMargin: 0.05, margins: [] };

    test("fails what an honest provider would do less than once in ten thousand times", () => {
      const { verdict, pValue, reason } = judge(statistic, calibration);
      expect(verdict).toBe("fail");
      // P(X ≥ 2) for 20 tokens at 1e-5 is 190e-10, and 0.9 of the error is for mismatches.
      expect(pValue).toBeCloseTo(1.9e-8 / 0.9, 9);
      expect(reason).toContain("2 of 60 tokens differ");
    });

    test("says how many tokens are missing where one mismatch is not rare enough", () => {
      const { verdict, tokensNeeded } = judge(
        { ...statistic, informative: 300, mismatches: 1, meanMargin: 0.001 },
        calibration,
      );
      expect(verdict).toBe("inconclusive");
      expect(tokensNeeded).toBe(300);
    });

    test("needs a minimum of informative tokens", () => {
      expect(judge({ ...statistic, informative: 7 }, calibration).verdict).toBe("inconclusive");
    });

    test("passes with the chance that the weakest cheat would have passed too", () => {
      const { verdict, falsePass, pValue } = judge({ ...statistic, mismatches: 0, meanMargin: 0 }, calibration);
      expect({ verdict, pValue }).toEqual({ verdict: "pass", pValue: 1 });
      expect(falsePass).toBeCloseTo(0.9 ** 20, 12);
    });

    test("catches large margins where mismatches are common", () => {
      const noisy = { ...calibration, honestMismatchRate: 0.05, honestMeanMargin: 0.002 };
      const honest = { ...statistic, informative: 400, mismatches: 22, meanMargin: 0.002 };
      expect(judge(honest, noisy).verdict).toBe("inconclusive");
      expect(judge({ ...honest, meanMargin: 0.05 }, noisy).verdict).toBe("fail");
    });

    test("never fails a class that nobody has calibrated", () => {
      expect(judge({ ...statistic, mismatches: 20, meanMargin: 2 }, UNCALIBRATED).verdict).toBe("inconclusive");
    });
  });
});

test("a transcript opens at every position", () => {
  const tokens = Array.from({ length: 100 }, (_, index) => 7 * index);
  const root = fromHex(transcriptRoot(tokens), 32);
  for (const [position] of tokens.entries()) {
    const first = position - (position % LEAF_TOKENS);
    const leaf = transcriptLeaf(first, tokens.slice(first, first + LEAF_TOKENS));
    const proof = openTranscript(tokens, position).map((hash) => fromHex(hash, 32));
    expect(merkleVerify(leaf, proof, root)).toBe(true);
    expect(merkleVerify(transcriptLeaf(first, [1, ...tokens.slice(first + 1, first + LEAF_TOKENS)]), proof, root)).toBe(
      false,
    );
  }
  expect(transcriptLeaf(0, [4])).not.toEqual(transcriptLeaf(1, [4]));
});
