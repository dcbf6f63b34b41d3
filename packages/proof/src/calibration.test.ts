import { readFileSync } from "node:fs";
import { classId, type Hex } from "@depinfer/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  addTranscript,
  calibrationFileSchema,
  calibrationFor,
  calibrationOf,
  createEvidence,
  FALSE_POSITIVE_RATE,
  judge,
  NO_COUNTS,
  parseCalibration,
  summarise,
  UNCALIBRATED,
} from "./index.ts";

const text = readFileSync(new URL("calibrations/depinfer-tiny.json", import.meta.url), "utf8");
const shipped = calibrationFileSchema.parse(JSON.parse(text));
const other: Hex = `0x${"0f".repeat(32)}`;

test("the shipped calibration is of the class that its parts name, and has no honest mismatch", () => {
  expect(shipped.classId).toBe(classId(shipped.runtimeClass));
  expect(shipped.honest.mismatches).toBe(0);
  expect(calibrationFor(shipped.classId)).toEqual(calibrationOf(shipped));
});

test("bounds: a rule of three for no mismatch, and a mean between the mean and the clip", () => {
  const { honestMismatchRate, honestMeanMargin, weakestCheatRate, clip } = calibrationOf(shipped);
  expect(honestMismatchRate * shipped.honest.informative).toBeCloseTo(-Math.log(0.05), 2);
  expect(honestMeanMargin).toBeLessThanOrEqual(clip * honestMismatchRate);
  expect(weakestCheatRate).toBeGreaterThan(100 * honestMismatchRate);
});

test("more honest tokens never widen the bounds", () => {
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 1e7 }), fc.integer({ min: 0, max: 9 }), (informative, mismatches) => {
      const bounds = (n: number, m: number) =>
        calibrationOf({
          ...shipped,
          honest: { ...NO_COUNTS, tokens: n, informative: n, mismatches: m, marginSum: m, marginSquareSum: m },
        });
      const fewer = bounds(informative, mismatches);
      const more = bounds(informative * 2, mismatches * 2);
      expect(more.honestMismatchRate).toBeLessThanOrEqual(fewer.honestMismatchRate * (1 + 1e-9));
      expect(more.honestMeanMargin).toBeLessThanOrEqual(fewer.honestMeanMargin * (1 + 1e-9));
      expect(fewer.honestMismatchRate).toBeGreaterThanOrEqual(mismatches / informative);
    }),
  );
});

test("at the very bound, an answer is failed no more often than published", () => {
  const calibration = {
    ...UNCALIBRATED,
    classId: other,
    honestMismatchRate: 0.02,
    honestMeanMargin: 0.01,
    minimumTokens: 8,
  };
  let failed = 0;
  const answers = 40_000;
  let state = 12_345;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (let answer = 0; answer < answers; answer++) {
    const positions = Array.from({ length: 60 }, () => ({ margin: random() < 0.02 ? 0.5 : 0, informative: true }));
    failed += judge(summarise(positions), calibration).verdict === "fail" ? 1 : 0;
  }
  // The rate is 1e-4 at most: more than 14 of 40,000 come by chance once in 20,000 runs, and the seed is fixed.
  expect(failed).toBeLessThanOrEqual(14);
  expect(FALSE_POSITIVE_RATE).toBe(1e-4);
});

test("counts add up over transcripts", () => {
  const counts = addTranscript(addTranscript(NO_COUNTS, [{ margin: 0.5, informative: true }]), [
    { margin: 0, informative: false },
    { margin: 2, informative: true },
  ]);
  expect(counts).toEqual({
    transcripts: 2,
    tokens: 3,
    informative: 2,
    mismatches: 2,
    marginSum: 2.5,
    marginSquareSum: 4.25,
  });
});

describe("a calibration that does not fit is refused", () => {
  const codeOf = (value: unknown, wanted: Hex) => {
    try {
      parseCalibration(value, wanted);
      return "accepted";
    } catch (error) {
      return z.object({ code: z.string() }).parse(error).code;
    }
  };

  test("for another class, such as another engine build", () => {
    const build = { ...shipped.runtimeClass, engine: `${shipped.runtimeClass.engine} next` };
    expect(codeOf(shipped, shipped.classId)).toBe("accepted");
    expect(codeOf(shipped, classId(build))).toBe("calibration.otherClass");
  });

  test("when it is not one, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(codeOf(value, shipped.classId)).toBe("calibration.malformed");
      }),
    );
    expect(codeOf({ ...shipped, honest: { ...shipped.honest, mismatches: -1 } }, shipped.classId)).toBe(
      "calibration.malformed",
    );
  });

  test("a class that nobody has measured convicts nobody", () => {
    expect(calibrationFor(other)).toBe(UNCALIBRATED);
    const evidence = () => createEvidence(calibrationFor(other));
    expect(evidence).toThrow(expect.objectContaining({ code: "evidence.badBounds" }));
  });
});
