import { z } from "zod";
import { bytes32Schema, type Hex, toHex } from "./bytes.ts";
import { canonicalJson, digestSha256, utf8 } from "./hashing.ts";

/**
 * Everything that decides which logits come out for given token ids. Two machines with equal parts belong to one
 * runtime class and can check each other; `specs/02-runtime-class.md` says why each part is here.
 */
export const runtimeClassSchema = z.strictObject({
  /** SHA-256 of the weight file. */
  weights: bytes32Schema,
  quantisation: z.string().min(1),
  /** SHA-256 over the tokenizer's parts as they stand in the weight file. */
  tokenizer: bytes32Schema,
  /** SHA-256 of the chat template's text. */
  chatTemplate: bytes32Schema,
  /** Engine and build, such as `llama.cpp b9999 (node-llama-cpp 3.22.1)`. */
  engine: z.string().min(1),
  /** Device and instruction-set family, such as `cpu/haswell`. */
  backend: z.string().min(1),
  flashAttention: z.boolean(),
  keyCache: z.string().min(1),
  valueCache: z.string().min(1),
  /** Most rows that one step of the engine evaluates; other sizes may choose another kernel. */
  microBatch: z.int().positive(),
  /** Version of the seeded sampler, or `none` where the engine samples on its own. */
  sampler: z.string().min(1),
});
export type RuntimeClass = z.output<typeof runtimeClassSchema>;

/** Identity of a runtime class: SHA-256 of its canonical JSON. */
export function classId(runtimeClass: RuntimeClass): Hex {
  return toHex(digestSha256(utf8(`depinfer/class/1\n${canonicalJson(runtimeClass)}`)));
}
