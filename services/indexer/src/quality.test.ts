import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { qualityDeltaOf } from "./quality.ts";

const folder = join(import.meta.dirname, "../../../models/depinfer-tiny");
const card = readFileSync(join(folder, "README.md"), "utf8");

function exactMatch(name: string): number {
  return Number(new RegExp(`\\| depinfer-tiny\\.${name} \\| [\\d,]+ \\| ([\\d.]+) % \\|`).exec(card)?.[1]) / 100;
}

test.each(["q8_0", "q4_k_m"])("the delta of %s is what the card says of the committed file", (name) => {
  const bytes = readFileSync(join(folder, `depinfer-tiny.${name}.gguf`));
  const weights = `0x${createHash("sha256").update(bytes).digest("hex")}`;
  expect(qualityDeltaOf(weights)?.value).toBeCloseTo(exactMatch(name) - exactMatch("f32"), 6);
});

test.each([null, undefined, 7, `0x${"00".repeat(32)}`, "constructor"])("of %j nothing is known", (weights) => {
  expect(qualityDeltaOf(weights)).toBeNull();
});
