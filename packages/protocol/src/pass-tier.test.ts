import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeTier, encodeTier, tierServes } from "./index.ts";

test("a tier is for the models it names, in any order, and for no other", () => {
  const tier = encodeTier({ description: "two models", models: ["b", "a", "b"] });
  expect(tier).toEqual(encodeTier({ description: "two models", models: ["a", "b"] }));
  expect(decodeTier(tier)).toEqual({ description: "two models", models: ["a", "b"] });
  expect(tierServes(tier, "a")).toBe(true);
  expect(tierServes(tier, "c")).toBe(false);
});

test("a tier without models is for all", () => {
  const tier = encodeTier({ description: "", models: [] });
  expect(tier.modelsHash).toBe(`0x${"0".repeat(64)}`);
  expect(tierServes(tier, "anything")).toBe(true);
  expect(tierServes({ ...tier, metadata: "just words" }, "anything")).toBe(true);
});

test("a text that does not fit the hash is for no model", () => {
  const { modelsHash } = encodeTier({ description: "", models: ["a"] });
  const { metadata } = encodeTier({ description: "", models: ["a", "b"] });
  expect(decodeTier({ metadata, modelsHash })).toBeUndefined();
  expect(tierServes({ metadata, modelsHash }, "a")).toBe(false);
  expect(tierServes({ metadata: "just words", modelsHash }, "a")).toBe(false);
});

test("any text is decoded or refused, never an error", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (metadata) => {
      decodeTier({ metadata, modelsHash: `0x${"0".repeat(64)}` });
    }),
  );
});

test("every description survives", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 50 }), fc.array(fc.string(), { maxLength: 5 }), (description, models) => {
      expect(decodeTier(encodeTier({ description, models }))).toEqual({
        description,
        models: [...new Set(models)].sort(),
      });
    }),
  );
});
