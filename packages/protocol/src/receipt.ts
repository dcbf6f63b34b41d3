import { z } from "zod";
import { addressSchema, bytes32Schema, fromHex, hexSchema } from "./bytes.ts";
import { addressWord, type DomainBinding, typedDataDigest, typeHash, uintWord } from "./eip712.ts";
import { microUsdSchema } from "./money.ts";
import { PROOF_LEVELS, proofLevelSchema } from "./proof-level.ts";

/** Why generation ended. The position in this list is the number in a receipt. */
export const STOP_REASONS = ["end", "length", "stopSequence", "cancelled"] as const;
export type StopReason = (typeof STOP_REASONS)[number];

const RECEIPT_TYPEHASH = typeHash(
  "Receipt(bytes32 requestId,bytes32 requestHash,bytes32 classId,bytes32 promptHash,bytes32 transcriptRoot,bytes32 textHash,bytes32 seedCommitment,bytes32 channelId,address provider,uint32 promptTokens,uint32 cachedTokens,uint32 outputTokens,uint8 stopReason,uint8 proofLevel,uint128 cost,uint64 startedAt,uint64 finishedAt)",
);

const tokenCount = z.int().min(0).max(0xffff_ffff);

/** What a provider signs about one answer. About 400 bytes, whatever the length of the answer. */
export const receiptSchema = z.strictObject({
  requestId: bytes32Schema,
  /** SHA-256 of the REQ payload: prompt, sampling, limits, prices and the buyer's nonce. */
  requestHash: bytes32Schema,
  classId: bytes32Schema,
  /** SHA-256 of the prompt's token ids as little-endian u32. */
  promptHash: bytes32Schema,
  transcriptRoot: bytes32Schema,
  /** SHA-256 of the answer's UTF-8 bytes as they were delivered. */
  textHash: bytes32Schema,
  seedCommitment: bytes32Schema,
  channelId: bytes32Schema,
  provider: addressSchema,
  promptTokens: tokenCount,
  cachedTokens: tokenCount,
  outputTokens: tokenCount,
  stopReason: z.enum(STOP_REASONS),
  proofLevel: proofLevelSchema,
  cost: microUsdSchema,
  /** Milliseconds since 1970, by the provider's clock. */
  startedAt: z.int().min(0),
  finishedAt: z.int().min(0),
});
export type Receipt = z.output<typeof receiptSchema>;

export const signedReceiptSchema = z.strictObject({ receipt: receiptSchema, signature: hexSchema });
export type SignedReceipt = z.output<typeof signedReceiptSchema>;

/** The digest that the provider's receipt key signs; `verifyingContract` is ReceiptLog. It is also the receipt's id. */
export function receiptDigest(receipt: Receipt, binding: DomainBinding): Uint8Array {
  return typedDataDigest({ name: "Depinfer", version: "1", ...binding }, [
    RECEIPT_TYPEHASH,
    fromHex(receipt.requestId, 32),
    fromHex(receipt.requestHash, 32),
    fromHex(receipt.classId, 32),
    fromHex(receipt.promptHash, 32),
    fromHex(receipt.transcriptRoot, 32),
    fromHex(receipt.textHash, 32),
    fromHex(receipt.seedCommitment, 32),
    fromHex(receipt.channelId, 32),
    addressWord(receipt.provider),
    uintWord(receipt.promptTokens),
    uintWord(receipt.cachedTokens),
    uintWord(receipt.outputTokens),
    uintWord(STOP_REASONS.indexOf(receipt.stopReason)),
    uintWord(PROOF_LEVELS.indexOf(receipt.proofLevel)),
    uintWord(receipt.cost),
    uintWord(receipt.startedAt),
    uintWord(receipt.finishedAt),
  ]);
}

/** Receipts in JSON carry money as decimal strings; this is the inverse of the schema. */
export function receiptToJson(signed: SignedReceipt): z.input<typeof signedReceiptSchema> {
  return { receipt: { ...signed.receipt, cost: signed.receipt.cost.toString() }, signature: signed.signature };
}
