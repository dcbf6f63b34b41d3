import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import {
  channelConfigSchema,
  channelId,
  classId,
  fromHex,
  merkleProof,
  merkleRoot,
  merkleVerify,
  PROOF_LEVELS,
  receiptDigest,
  receiptSchema,
  runtimeClassSchema,
  STOP_REASONS,
  toHex,
  voucherDigest,
} from "./index.ts";

const hex = z.templateLiteral(["0x", z.string()]);
const domain = z.object({ chainId: z.number(), verifyingContract: hex });

function vectors<Schema extends z.ZodType>(name: string, schema: Schema): z.output<Schema> {
  return schema.parse(
    JSON.parse(readFileSync(new URL(`../../../specs/vectors/${name}.json`, import.meta.url), "utf8")),
  );
}

test("channel ids and voucher digests are those of the vectors", () => {
  const file = vectors(
    "voucher",
    z.object({
      domain,
      cases: z.array(
        z.object({ config: channelConfigSchema, channelId: hex, maxClaimableAmount: z.string(), digest: hex }),
      ),
    }),
  );
  for (const { config, channelId: id, maxClaimableAmount, digest } of file.cases) {
    expect(channelId(config, file.domain)).toBe(id);
    expect(toHex(voucherDigest(id, BigInt(maxClaimableAmount), file.domain))).toBe(digest);
  }
});

test("a channel id is bound to its chain and its contract", () => {
  const file = vectors(
    "voucher",
    z.object({ domain, cases: z.array(z.object({ config: channelConfigSchema, channelId: hex })) }),
  );
  const [first] = file.cases;
  if (first === undefined) {
    throw new Error("no cases");
  }
  expect(channelId(first.config, { ...file.domain, chainId: 1 })).not.toBe(first.channelId);
  expect(channelId(first.config, { ...file.domain, verifyingContract: `0x${"11".repeat(20)}` })).not.toBe(
    first.channelId,
  );
});

test("receipt digests are those of the vectors", () => {
  const file = vectors(
    "receipt",
    z.object({ domain, cases: z.array(z.object({ receipt: z.record(z.string(), z.string()), digest: hex })) }),
  );
  for (const { receipt, digest } of file.cases) {
    const number = (name: string) => Number(receipt[name]);
    const parsed = receiptSchema.parse({
      ...receipt,
      promptTokens: number("promptTokens"),
      cachedTokens: number("cachedTokens"),
      outputTokens: number("outputTokens"),
      startedAt: number("startedAt"),
      finishedAt: number("finishedAt"),
      stopReason: STOP_REASONS[number("stopReason")],
      proofLevel: PROOF_LEVELS[number("proofLevel")],
    });
    expect(toHex(receiptDigest(parsed, file.domain))).toBe(digest);
  }
});

test("Merkle roots and proofs are those of the vectors, and no proof opens another leaf", () => {
  const file = vectors(
    "merkle",
    z.object({ cases: z.array(z.object({ leaves: z.array(hex), root: hex, proofs: z.array(z.array(hex)) })) }),
  );
  for (const { leaves, root, proofs } of file.cases) {
    const bytes = leaves.map((leaf) => fromHex(leaf, 32));
    expect(toHex(merkleRoot(bytes))).toBe(root);
    for (const [index, leaf] of bytes.entries()) {
      const proof = merkleProof(bytes, index);
      expect(proof.map(toHex)).toEqual(proofs[index]);
      expect(merkleVerify(leaf, proof, fromHex(root, 32))).toBe(true);
      expect(merkleVerify(fromHex(`0x${"ab".repeat(32)}`, 32), proof, fromHex(root, 32))).toBe(false);
    }
  }
});

test("class ids are those of the vectors, and every part counts", () => {
  const file = vectors(
    "runtime-class",
    z.object({ cases: z.array(z.object({ runtimeClass: runtimeClassSchema, classId: hex })) }),
  );
  for (const { runtimeClass, classId: id } of file.cases) {
    expect(classId(runtimeClass)).toBe(id);
  }
  expect(new Set(file.cases.map((entry) => entry.classId)).size).toBe(file.cases.length);
});
