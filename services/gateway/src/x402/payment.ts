import type { IncomingMessage } from "node:http";
import { addressSchema, DepinferError } from "@depinfer/protocol";
import { decodePaymentSignatureHeader } from "@x402/core/http";
import { parsePaymentPayload } from "@x402/core/schemas";
import type { PaymentPayload } from "@x402/core/types";
import { z } from "zod";

/** Longest payment header in characters: the largest payload of the supported schemes, several times over. */
const MOST_HEADER_LENGTH = 8_192;

/**
 * The payment that a request carries, or null.
 *
 * @throws DepinferError `payment.malformed` or `payment.unsupported`.
 */
export function paymentOf({ headers }: Pick<IncomingMessage, "headers">): PaymentPayload | null {
  const header = headers["payment-signature"];
  if (header === undefined) {
    if (headers["x-payment"] === undefined) {
      return null;
    }
    throw unsupported("The X-PAYMENT header belongs to version 1 of x402", "Pay by version 2: PAYMENT-SIGNATURE");
  }
  if (typeof header !== "string" || header.length > MOST_HEADER_LENGTH) {
    throw malformed(`it has more than ${MOST_HEADER_LENGTH} characters`);
  }
  let decoded: unknown;
  try {
    decoded = decodePaymentSignatureHeader(header);
  } catch {
    throw malformed("it is not JSON in base64");
  }
  const parsed = parsePaymentPayload(decoded);
  if (!parsed.success) {
    throw malformed(parsed.error.issues[0]?.message ?? "it does not follow the schema");
  }
  if (parsed.data.x402Version !== 2) {
    throw unsupported("The payment is of version 1 of x402", "Pay by version 2");
  }
  const { accepted, payload, resource, extensions } = parsed.data;
  return {
    x402Version: 2,
    accepted: { ...accepted, network: toNetwork(accepted.network), extra: accepted.extra ?? {} },
    payload,
    ...(resource === undefined ? {} : { resource: { url: resource.url } }),
    ...(extensions === undefined || extensions === null ? {} : { extensions }),
  };
}

const digits = z.string().regex(/^(0|[1-9]\d{0,77})$/);
/** Hexadecimal digits of either case, so that one authorization has one name. */
const hex = (pattern: RegExp) =>
  z
    .string()
    .regex(pattern)
    .transform((text) => `0x${text.slice(2).toLowerCase()}` as const);
const exactPayload = z.strictObject({
  authorization: z.strictObject({
    from: addressSchema,
    to: addressSchema,
    value: digits.transform(BigInt),
    validAfter: digits.transform(BigInt),
    validBefore: digits.transform(BigInt),
    nonce: hex(/^0x[0-9a-fA-F]{64}$/),
  }),
  // 65 bytes of a key, or what a contract wallet takes for a signature.
  signature: hex(/^0x([0-9a-fA-F]{2}){65,1024}$/),
});
export type ExactPayment = z.output<typeof exactPayload>;

/** The EIP-3009 authorization of an `exact` payment. @throws DepinferError `payment.malformed`. */
export function exactPaymentOf({ payload }: PaymentPayload): ExactPayment {
  const parsed = exactPayload.safeParse(payload);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw malformed(
      `${issue?.path.map(String).join(".") ?? "the payload"}: ${issue?.message ?? "not an EIP-3009 authorization"}`,
    );
  }
  return parsed.data;
}

function toNetwork(network: string): `${string}:${string}` {
  const [namespace = "", ...rest] = network.split(":");
  return `${namespace}:${rest.join(":")}`;
}

function malformed(why: string): DepinferError {
  return new DepinferError({
    code: "payment.malformed",
    message: `The PAYMENT-SIGNATURE header cannot be read: ${why}`,
    remedy: "Nothing was taken. Send the request without a payment to see what it costs, and pay with an x402 client",
  });
}

function unsupported(message: string, remedy: string): DepinferError {
  return new DepinferError({ code: "payment.unsupported", message, remedy });
}
