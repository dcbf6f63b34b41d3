import { PROOF_LEVELS } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { chance, nats, PROOF_LEVEL_TEXT, verdictTone } from "./proof.ts";

test.each([
  [0, "0"],
  [0.5, "50 %"],
  [0.05, "5.0 %"],
  [0.0001, "1 in 10,000"],
  [1e-12, "1 in 1.0e+12"],
  [-1, "unknown"],
  [Number.NaN, "unknown"],
])("a chance of %d reads %s", (probability, text) => {
  expect(chance(probability)).toBe(text);
});

test("margins keep the digits that say something", () => {
  expect([nats(0), nats(-1.23456), nats(0.00001234)]).toEqual(["0 nats", "-1.23 nats", "1.2e-5 nats"]);
});

test("every level of proof is explained, and a simulated one says so", () => {
  expect(Object.keys(PROOF_LEVEL_TEXT)).toEqual([...PROOF_LEVELS]);
  expect(PROOF_LEVEL_TEXT["attested-SIMULATED"]).toContain("SIMULATED");
});

test("a verdict that is not known has no looks of its own", () => {
  expect([verdictTone("pass"), verdictTone("fail"), verdictTone("<script>"), verdictTone("constructor")]).toEqual([
    "proof",
    "fail",
    "plain",
    "plain",
  ]);
});
