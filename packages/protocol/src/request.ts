import { z } from "zod";
import { bytes32Schema, concatBytes, type Hex, toHex, uintBytes } from "./bytes.ts";
import { DepinferError } from "./errors.ts";
import { canonicalJson, digestSha256, utf8 } from "./hashing.ts";
import { type MicroUsd, type Prices, pricesSchema } from "./money.ts";
import { resumeSchema } from "./resume.ts";

/** Who may see the prompt when the answer is audited. */
export const AUDIT_FLAGS = ["public", "validator", "none"] as const;
export type AuditFlag = (typeof AUDIT_FLAGS)[number];

/** What a request asks for: text by messages, text by a prompt, vectors, or tensors. */
export const ENDPOINTS = ["chat", "completion", "embedding", "infer"] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** The terms under which a buyer asks for one answer. Signed for by the channel, hashed into the receipt. */
export const requestTermsSchema = z.strictObject({
  v: z.literal(1),
  requestId: bytes32Schema,
  endpoint: z.enum(ENDPOINTS),
  classId: bytes32Schema,
  channelId: bytes32Schema,
  /** Chosen by the buyer before it knows the provider's nonce. */
  buyerNonce: bytes32Schema,
  maxOutputTokens: z.int().min(1).max(1_000_000),
  prices: pricesSchema,
  audit: z.enum(AUDIT_FLAGS),
  /** Which of the choices of one body this is; 0 when missing. With a seed of the app's it makes them differ. */
  choice: z.int().min(0).max(7).optional(),
  resume: resumeSchema.optional(),
});
export type RequestTerms = z.output<typeof requestTermsSchema>;

/** A REQ payload taken apart. `body` is the app's JSON, byte for byte. */
export interface Request {
  readonly terms: RequestTerms;
  readonly body: Uint8Array;
}

export function pricesToJson(prices: Prices): z.input<typeof pricesSchema> {
  const text = (amount: MicroUsd) => amount.toString();
  return {
    inputPerMillion: text(prices.inputPerMillion),
    cachedInputPerMillion: text(prices.cachedInputPerMillion),
    outputPerMillion: text(prices.outputPerMillion),
  };
}

/** REQ payload: `u32 length of terms | terms as canonical JSON | body`. */
export function encodeRequest({ terms, body }: Request): Uint8Array {
  const head = utf8(canonicalJson({ ...terms, prices: pricesToJson(terms.prices) }));
  return concatBytes(uintBytes(head.length, 4), head, body);
}

/** @throws DepinferError `request.malformed` when the payload does not follow the layout or the schema. */
export function decodeRequest(payload: Uint8Array): Request {
  if (payload.length < 4) {
    throw malformed(`REQ payload of ${payload.length} bytes has no length of its terms`);
  }
  const length = new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0);
  if (length > payload.length - 4) {
    throw malformed(`REQ payload claims ${length} bytes of terms but holds ${payload.length - 4}`);
  }
  const terms = requestTermsSchema.safeParse(parseJson(payload.subarray(4, 4 + length), "REQ terms"));
  if (!terms.success) {
    throw malformed(`REQ terms: ${z.prettifyError(terms.error)}`);
  }
  return { terms: terms.data, body: payload.subarray(4 + length) };
}

/** The hash that binds a receipt to everything its buyer asked for. */
export function requestHash(payload: Uint8Array): Hex {
  return toHex(digestSha256(payload));
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** @throws DepinferError `request.malformed` naming `what` when the bytes are not UTF-8 JSON. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new DepinferError({
      code: "request.malformed",
      message: `${what} is not JSON in UTF-8`,
      remedy: "Send one JSON object",
      cause,
    });
  }
}

function malformed(message: string): DepinferError {
  return new DepinferError({
    code: "request.malformed",
    message,
    remedy: "Encode the message as `specs/03-wire-protocol.md` says",
  });
}
