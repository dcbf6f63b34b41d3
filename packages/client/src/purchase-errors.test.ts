import { expect, test } from "vitest";
import { levelError } from "./purchase-errors.ts";

test("a receipt below the demanded level is refused, and one at or above it is not", () => {
  const policy = { model: "words", minProofLevel: "seeded" } as const;
  expect(levelError("greedy", policy)).toMatchObject({
    code: "receipt.levelTooLow",
    metadata: { level: "greedy", minimum: "seeded" },
  });
  expect(levelError("attested-SIMULATED", policy)?.code).toBe("receipt.levelTooLow");
  expect(levelError("seeded", policy)).toBeNull();
  expect(levelError("attested", policy)).toBeNull();
  expect(levelError("none", { model: "words" })).toBeNull();
});
