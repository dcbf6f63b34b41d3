import { readFileSync } from "node:fs";
import {
  merkleProof,
  merkleRoot,
  PROOF_LEVELS,
  receiptDigest,
  receiptSchema,
  STOP_REASONS,
  toHex,
} from "@depinfer/protocol";
import { expect, test } from "vitest";
import { z } from "zod";
import { checkReceipt } from "./check-receipt.ts";

const hex = z.templateLiteral(["0x", z.string()]);
const number = z.string().transform(Number);
const vectorsSchema = z.object({
  domain: z.object({ chainId: z.number(), verifyingContract: hex }),
  cases: z.array(
    z.object({
      receipt: z.looseObject({
        promptTokens: number,
        cachedTokens: number,
        outputTokens: number,
        stopReason: number.transform((index) => STOP_REASONS[index]),
        proofLevel: number.transform((index) => PROOF_LEVELS[index]),
        startedAt: number,
        finishedAt: number,
      }),
      digest: hex,
      signature: hex,
      signer: hex,
    }),
  ),
});

test("receipts of the vectors hold under their signer and a root over all of them", () => {
  const text = readFileSync(new URL("../../../../../../specs/vectors/receipt.json", import.meta.url), "utf8");
  const { domain: binding, cases } = vectorsSchema.parse(JSON.parse(text));
  const receipts = cases.map(({ receipt }) => receiptSchema.parse(receipt));
  const leaves = receipts.map((receipt) => receiptDigest(receipt, binding));
  expect(leaves.map(toHex)).toEqual(cases.map(({ digest }) => digest));
  const root = toHex(merkleRoot(leaves));
  const found = receipts.map((receipt, index) => {
    const { signature = "0x", signer = null } = cases[index] ?? {};
    const siblings = merkleProof(leaves, index).map(toHex);
    return checkReceipt({
      signed: { receipt, signature },
      binding,
      receiptKey: signer,
      transcript: null,
      opening: { siblings, root },
    });
  });
  const outcomes = found.map((steps) => steps.slice(0, 2).map(({ name, outcome }) => `${name} ${outcome}`));
  expect(outcomes).toEqual(cases.map(() => ["signature holds", "opening holds"]));
  // Without the transcript nothing else is claimed.
  expect(new Set(found.flatMap((steps) => steps.slice(2).map(({ outcome }) => outcome)))).toEqual(new Set(["open"]));
});
