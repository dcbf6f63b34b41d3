import { describe, expect, test } from "vitest";
import { errorCode } from "./errors.ts";
import { parseBody } from "./openai.ts";
import {
  levelFault,
  levelOfAnswer,
  MINIMUM_LEVELS,
  meetsLevel,
  PROOF_LEVELS,
  parseMinimumLevel,
  strictestLevel,
} from "./proof-level.ts";

describe("levels of proof", () => {
  test("are one order, and a simulation stands at its bottom", () => {
    MINIMUM_LEVELS.forEach((level, rank) => {
      MINIMUM_LEVELS.forEach((minimum, demanded) => {
        expect(meetsLevel(level, minimum), `${level} for ${minimum}`).toBe(rank >= demanded);
      });
    });
    for (const minimum of MINIMUM_LEVELS.slice(1)) {
      expect(meetsLevel("attested-SIMULATED", minimum), minimum).toBe(false);
      expect(meetsLevel("attested-SIMULATED", minimum, { allowSimulatedAttestation: true }), minimum).toBe(true);
    }
  });

  test("keep their numbers in receipts", () => {
    expect(PROOF_LEVELS.slice(0, 5)).toEqual(["none", "greedy", "seeded", "replay", "attested"]);
  });

  test("the strictest of several demands counts", () => {
    expect(strictestLevel(["greedy", null, "replay", undefined, "seeded"])).toBe("replay");
    expect(strictestLevel([null])).toBe("none");
  });

  test("greedy is worth nothing where tokens are drawn", () => {
    expect([levelOfAnswer("greedy", 0), levelOfAnswer("greedy", 0.1)]).toEqual(["greedy", "none"]);
    expect([levelOfAnswer("seeded", 1), levelOfAnswer("attested", 1)]).toEqual(["seeded", "attested"]);
  });

  test.each([
    ["none", "none greedy"],
    ["gumbel-hmac-sha256-top64/1", "none greedy seeded attested attested-SIMULATED"],
    ["tensor/1", "none replay attested attested-SIMULATED"],
  ])("a class with the sampler %s carries %s", (sampler, levels) => {
    const carried = PROOF_LEVELS.filter((level) => levelFault(level, { sampler }) === undefined);
    expect(carried.join(" ")).toBe(levels);
  });
});

describe("a demand", () => {
  test("that is no level names its parameter", () => {
    for (const text of ["", "sure", "SEEDED", "attested-SIMULATED"]) {
      expect(() => parseMinimumLevel(text, "x-depinfer-min-proof")).toThrow(
        expect.objectContaining({ code: "request.invalid", metadata: { param: "x-depinfer-min-proof" } }),
      );
    }
    expect(parseMinimumLevel("seeded", "x")).toBe("seeded");
  });

  test("stands in the body of a request", () => {
    const body = (proof: unknown) =>
      Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }], proof }));
    expect(parseBody("chat", body({ min: "seeded" })).minProofLevel).toBe("seeded");
    expect(parseBody("chat", body({})).minProofLevel).toBeNull();
    for (const [proof, param] of [
      [{ min: "sure" }, "proof.min"],
      [{ min: "attested-SIMULATED" }, "proof.min"],
      [{ max: "seeded" }, "proof.max"],
      ["seeded", "proof"],
    ]) {
      try {
        parseBody("chat", body(proof));
        expect.unreachable(`${JSON.stringify(proof)} was accepted`);
      } catch (error) {
        expect(errorCode(error)).toBe("request.invalid");
        expect(error).toHaveProperty("metadata.param", param);
      }
    }
  });
});
