import { describe, expect, test } from "vitest";
import { upperTail } from "./binomial.ts";
import { GREEDY_CALIBRATION, greedyStatistic, judgeGreedy, LOGPROB_TOLERANCE, screenLogprobs } from "./greedy.ts";
import type { ScoredPosition } from "./margin.ts";
import type { Statistic } from "./verdict.ts";

const { tolerance, clip, honestMismatchRate, weakestCheatRate, minimumTokens } = GREEDY_CALIBRATION;

/** A position whose best token is `lead` nats ahead of the second and whose delivered token is `behind` the best. */
const position = (behind: number, lead = 1): ScoredPosition => ({
  tokens: [1, 2, 3],
  logits: [10, 10 - lead, 10 - lead - 1],
  chosen: behind === 0 ? 1 : 9,
  chosenLogit: 10 - behind,
});
const counted = (informative: number, mismatches: number): Statistic => ({
  tokens: informative,
  informative,
  mismatches,
  meanMargin: 0,
  margins: [],
});
const verdictOf = (informative: number, mismatches: number) =>
  judgeGreedy(counted(informative, mismatches), GREEDY_CALIBRATION).verdict;

describe("tokens at temperature 0", () => {
  test("count as the best as long as they are within the tolerance", () => {
    const found = greedyStatistic(
      [0, tolerance / 2, tolerance, tolerance * 1.01, 100, Number.POSITIVE_INFINITY].map((behind) => position(behind)),
      GREEDY_CALIBRATION,
    );
    expect(found).toMatchObject({ tokens: 6, informative: 6, mismatches: 3 });
    expect(found.margins).toEqual([0, 0, 0, expect.closeTo(tolerance * 1.01), clip, clip]);
  });

  test("say nothing where the best was certain and was taken", () => {
    const certain = greedyStatistic([position(0, 20), position(0, 20)], GREEDY_CALIBRATION);
    expect(certain).toMatchObject({ tokens: 2, informative: 0 });
    expect(judgeGreedy(certain, GREEDY_CALIBRATION).verdict).toBe("inconclusive");
    expect(greedyStatistic([position(5, 20)], GREEDY_CALIBRATION).informative).toBe(1);
  });
});

describe("the verdict", () => {
  test("fails nobody whom chance would fail more often than promised", () => {
    for (const informative of [minimumTokens, 50, 200, 1_000, 10_000]) {
      let least = 0;
      while (verdictOf(informative, least) !== "fail") {
        least += 1;
      }
      expect(upperTail(informative, least, honestMismatchRate), `${informative}`).toBeLessThanOrEqual(1e-4);
      expect(upperTail(informative, least - 1, honestMismatchRate), `${informative}`).toBeGreaterThan(1e-4);
    }
  });

  test("fails nobody on too few tokens, however bad they are", () => {
    expect(verdictOf(minimumTokens - 1, minimumTokens - 1)).not.toBe("fail");
    expect(verdictOf(minimumTokens, minimumTokens)).toBe("fail");
  });

  test("clears nobody as long as the weakest cheat would look like this", () => {
    for (const mismatches of [0, 1, 2]) {
      let enough = 1;
      while (verdictOf(enough, mismatches) !== "pass" && enough < 10_000) {
        enough += 1;
      }
      expect(1 - upperTail(enough, mismatches + 1, weakestCheatRate)).toBeLessThanOrEqual(1e-2);
      expect(verdictOf(enough - 1, mismatches)).not.toBe("pass");
    }
  });
});

describe("log-probabilities beside tokens", () => {
  const honest = [position(0), position(0, 2), position(2)];
  const values = honest.map(({ logits, chosenLogit }) => {
    const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
    return chosenLogit - Math.log(sum);
  });

  test("are plausible when they are the model's", () => {
    expect(screenLogprobs(values, honest)).toMatchObject({ tokens: 3, plausible: true });
  });

  test("are not when they are another's, or no numbers", () => {
    const off = values.map((value) => value + 2 * LOGPROB_TOLERANCE);
    expect(screenLogprobs(off, honest).plausible).toBe(false);
    expect(screenLogprobs([Number.NaN, ...values.slice(1)], honest).plausible).toBe(false);
    expect(screenLogprobs([Number.NEGATIVE_INFINITY, ...values.slice(1)], honest).plausible).toBe(false);
  });

  test("of a token that is not among the candidates are held against the last of them", () => {
    const unknown = { ...position(0), chosen: 77, chosenLogit: Number.NEGATIVE_INFINITY };
    expect(screenLogprobs([-20], [unknown]).meanDifference).toBe(0);
    expect(screenLogprobs([-0.1], [unknown]).plausible).toBe(false);
  });

  test("of another number of tokens belong to another answer", () => {
    expect(() => screenLogprobs(values.slice(1), honest)).toThrow(RangeError);
  });
});
