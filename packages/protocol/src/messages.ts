import { z } from "zod";
import { addressSchema, bytes32Schema } from "./bytes.ts";
import { DepinferError, type ErrorMetadata } from "./errors.ts";
import { microUsdSchema } from "./money.ts";
import { STOP_REASONS, signedReceiptSchema } from "./receipt.ts";
import { parseJson } from "./request.ts";

const count = z.int().min(0).max(0xffff_ffff);

/** ACCEPT: the provider takes the request and reveals the nonce it was bound to before it saw the request. */
export const acceptSchema = z.strictObject({
  providerNonce: bytes32Schema,
  promptTokens: count,
  cachedTokens: count,
  promptHash: bytes32Schema,
});
export type Accept = z.output<typeof acceptSchema>;

/** END: the answer is complete. The signed receipt follows when it is ready. */
export const endSchema = z.strictObject({
  stopReason: z.enum(STOP_REASONS),
  promptTokens: count,
  cachedTokens: count,
  outputTokens: count,
  cost: microUsdSchema,
});
export type End = z.output<typeof endSchema>;

/** ERR: an error as it crosses the wire. */
export const wireErrorSchema = z.strictObject({
  code: z.string().max(100),
  message: z.string().max(2_000),
  remedy: z.string().max(1_000),
  retryable: z.boolean(),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
});

/** QUERY: a question outside the life of a request. */
export const querySchema = z.discriminatedUnion("method", [
  /** What the provider holds about a channel of the asking peer. */
  z.strictObject({ method: z.literal("channel"), channelId: bytes32Schema }),
  /** The receipts under an epoch root. */
  z.strictObject({ method: z.literal("epoch"), epoch: z.int().min(1) }),
  /** The transcript of one answer, for its buyer and for auditors. */
  z.strictObject({ method: z.literal("transcript"), requestId: bytes32Schema }),
]);
export type Query = z.output<typeof querySchema>;

/** What a provider says about a channel. The buyer checks every claim against its own journal and the receipts. */
export const channelReportSchema = z.strictObject({
  channelId: bytes32Schema,
  deposit: microUsdSchema,
  vouchered: microUsdSchema,
  owed: microUsdSchema,
  /** Receipts that no voucher covers yet, oldest first. */
  unpaid: z.array(signedReceiptSchema).max(1_000),
});
export type ChannelReport = z.output<typeof channelReportSchema>;

export const epochReportSchema = z.strictObject({
  provider: addressSchema,
  epoch: z.int().min(1),
  receipts: z.array(signedReceiptSchema).max(100_000),
});
export type EpochReport = z.output<typeof epochReportSchema>;

/** Everything needed to score an answer again, except the weights. */
export const transcriptSchema = z.strictObject({
  /** The REQ payload, base64. */
  request: z.base64(),
  providerNonce: bytes32Schema,
  outputTokens: z.array(count).max(1_000_000),
  text: z.string(),
});
export type Transcript = z.output<typeof transcriptSchema>;

/** The same for its auditor alone: JSON of a transcript, sealed for the context `auditContext`. */
export const sealedTranscriptSchema = z.strictObject({ sealed: z.base64() });
export type SealedTranscript = z.output<typeof sealedTranscriptSchema>;

/** What the query `transcript` is answered with: in the clear to buyers and for public requests, else sealed. */
export const transcriptAnswerSchema = z.union([transcriptSchema, sealedTranscriptSchema]);
export type TranscriptAnswer = z.output<typeof transcriptAnswerSchema>;

/** Parses a JSON payload against its schema; `what` names it in the error. */
export function decodeMessage<Schema extends z.ZodType>(
  schema: Schema,
  payload: Uint8Array,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(parseJson(payload, what));
  if (!parsed.success) {
    throw new DepinferError({
      code: "message.malformed",
      message: `${what} does not follow its schema: ${z.prettifyError(parsed.error)}`,
      remedy: "Both sides must speak the same protocol version; upgrade the older one",
      metadata: { message: what },
    });
  }
  return parsed.data;
}

/** JSON bytes of a message; money becomes a decimal string. */
export function encodeMessage(message: unknown): Uint8Array {
  return encoder.encode(
    JSON.stringify(message, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)),
  );
}

/** An error for an ERR frame. Foreign errors keep their text but are not retryable. */
export function encodeError(error: unknown): Uint8Array {
  const ours =
    error instanceof DepinferError
      ? error
      : new DepinferError({
          code: "provider.internal",
          message: error instanceof Error ? error.message : String(error),
          remedy: "Try another provider; if it happens again, report it with the provider's log",
          retryable: true,
        });
  const { code, message, remedy, retryable, metadata } = ours;
  return encodeMessage({ code, message: message.slice(0, 2_000), remedy, retryable, metadata });
}

/** An error that another peer reported. */
export class RemoteError extends DepinferError {}

/** The error in an ERR payload. Never throws: an unreadable one becomes `message.malformed`. */
export function decodeError(payload: Uint8Array): DepinferError {
  try {
    const { code, message, remedy, retryable, metadata } = decodeMessage(wireErrorSchema, payload, "ERR");
    const known: ErrorMetadata = metadata ?? {};
    return new RemoteError({ code, message, remedy, retryable, metadata: known });
  } catch (error) {
    return error instanceof DepinferError
      ? error
      : new DepinferError({
          code: "message.malformed",
          message: "unreadable ERR",
          remedy: "Upgrade the older peer",
          cause: error,
        });
  }
}

const encoder = new TextEncoder();
