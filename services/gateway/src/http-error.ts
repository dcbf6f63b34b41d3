import type { ServerResponse } from "node:http";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { LimitError } from "./limits/limit-error.ts";
import { describeMessageError } from "./messages/message-error.ts";

/** An error in the shape that OpenAI's client libraries read. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

interface Meaning {
  readonly status: number;
  readonly type: string;
  /** OpenAI's code, where it has one that clients know. */
  readonly code?: string;
}

const INVALID: Meaning = { status: 400, type: "invalid_request_error" };
/** Shown by x402: what has to be paid stands in the PAYMENT-REQUIRED header. */
const PAYMENT: Meaning = { status: 402, type: "payment_required" };
const RATE: Meaning = { status: 429, type: "rate_limit_error", code: "rate_limit_exceeded" };
const UNAVAILABLE: Meaning = { status: 503, type: "server_error" };

const MEANINGS: Readonly<Record<string, Meaning>> = {
  "request.malformed": INVALID,
  "request.invalid": INVALID,
  "request.unsupported": INVALID,
  "request.contextExceeded": { ...INVALID, code: "context_length_exceeded" },
  "request.outputTooLarge": INVALID,
  "tensor.badInput": INVALID,
  "request.encoded": { status: 415, type: "invalid_request_error" },
  "request.tooLarge": { status: 413, type: "invalid_request_error" },
  "request.cancelled": { status: 499, type: "invalid_request_error" },
  "http.notFound": { status: 404, type: "invalid_request_error" },
  "http.methodNotAllowed": { status: 405, type: "invalid_request_error" },
  "http.hostNotAllowed": { status: 421, type: "invalid_request_error" },
  "http.originNotAllowed": { status: 403, type: "invalid_request_error" },
  "key.missing": { status: 401, type: "authentication_error", code: "invalid_api_key" },
  "key.revoked": { status: 401, type: "authentication_error", code: "invalid_api_key" },
  "key.unknown": { status: 401, type: "authentication_error", code: "invalid_api_key" },
  "key.expired": { status: 401, type: "authentication_error", code: "invalid_api_key" },
  "key.badName": INVALID,
  "key.badSettings": INVALID,
  "key.nameTaken": { status: 409, type: "invalid_request_error" },
  "key.noSuchName": { status: 404, type: "invalid_request_error" },
  "key.scope": { status: 403, type: "permission_error", code: "insufficient_permissions" },
  "http.tooManyHeaders": { status: 431, type: "invalid_request_error" },
  "limit.requests": RATE,
  "limit.tokens": RATE,
  "limit.concurrent": RATE,
  "gateway.draining": UNAVAILABLE,
  "database.unreachable": UNAVAILABLE,
  "journal.fenced": UNAVAILABLE,
  "journal.notDurable": UNAVAILABLE,
  "idempotency.mismatch": { status: 422, type: "invalid_request_error" },
  "idempotency.running": { status: 409, type: "invalid_request_error" },
  "idempotency.tooLong": { status: 409, type: "invalid_request_error" },
  "budget.exhausted": { status: 429, type: "insufficient_quota", code: "insufficient_quota" },
  "wallet.insufficient": { status: 402, type: "insufficient_quota" },
  "pass.quotaSpent": { status: 402, type: "insufficient_quota" },
  "pass.expired": { status: 402, type: "insufficient_quota" },
  "pass.notActive": { status: 402, type: "insufficient_quota" },
  "pass.insufficient": { status: 402, type: "insufficient_quota" },
  "pass.notOurs": { status: 402, type: "insufficient_quota" },
  "pass.otherModel": { status: 403, type: "invalid_request_error" },
  "pass.badSignature": INVALID,
  "pass.handedOver": { status: 402, type: "insufficient_quota" },
  "pass.notHolder": { status: 403, type: "permission_error" },
  "events.tooMany": RATE,
  "pass.rateLimited": { status: 429, type: "rate_limit_error", code: "rate_limit_exceeded" },
  "payment.required": PAYMENT,
  "payment.mismatch": PAYMENT,
  "payment.invalid": PAYMENT,
  "payment.expired": PAYMENT,
  "payment.used": PAYMENT,
  "payment.notSettled": PAYMENT,
  "payment.tooSlow": PAYMENT,
  "payment.overcommitted": PAYMENT,
  "payment.paused": UNAVAILABLE,
  "payment.noRefund": PAYMENT,
  "payment.malformed": INVALID,
  "payment.unsupported": INVALID,
  "payment.inUse": { status: 409, type: "invalid_request_error" },
  "payment.busy": UNAVAILABLE,
  "payment.unverified": UNAVAILABLE,
  "route.unknownModel": { status: 404, type: "invalid_request_error", code: "model_not_found" },
  "route.noProvider": UNAVAILABLE,
  "provider.busy": UNAVAILABLE,
  "receipt.unknown": { status: 404, type: "invalid_request_error" },
  "response.unknown": { status: 404, type: "invalid_request_error" },
  "model.unknown": { status: 404, type: "invalid_request_error", code: "model_not_found" },
  "file.unknown": { status: 404, type: "invalid_request_error" },
  "file.malformed": INVALID,
  "file.tooMany": { status: 409, type: "invalid_request_error" },
  "file.inUse": { status: 409, type: "invalid_request_error" },
  "batch.unknown": { status: 404, type: "invalid_request_error" },
  "batch.invalid": INVALID,
  "batch.over": { status: 409, type: "invalid_request_error" },
  "chain.unreachable": UNAVAILABLE,
};

/** Status and body for any thrown value. */
export function describeError(error: unknown): {
  readonly status: number;
  readonly body: ErrorBody;
  readonly retryable: boolean;
} {
  const ours = error instanceof DepinferError ? error : null;
  const meaning = MEANINGS[ours?.code ?? ""] ?? { status: ours === null ? 500 : 502, type: "server_error" };
  const param = ours?.metadata.param;
  return {
    status: meaning.status,
    retryable: ours?.retryable ?? false,
    body: {
      error: {
        message: ours === null ? `The gateway failed: ${errorMessage(error)}` : ours.describe(),
        type: meaning.type,
        param: typeof param === "string" ? param : null,
        code: meaning.code ?? ours?.code ?? "internal",
      },
    },
  };
}

/** Seconds after which a client may try again, where the error does not say. */
const RETRY_AFTER = 2;

export function sendError(response: ServerResponse, error: unknown): void {
  const described = response.req.url?.startsWith("/v1/messages") ? describeMessageError(error) : describeError(error);
  const { status, body, retryable } = described;
  const after = error instanceof DepinferError ? error.metadata.retryAfterSeconds : undefined;
  if (error instanceof LimitError && !response.headersSent) {
    for (const [name, value] of Object.entries(error.headers)) {
      response.setHeader(name, value);
    }
  }
  sendJson(
    response,
    status,
    body,
    retryable ? { "retry-after": String(typeof after === "number" ? after : RETRY_AFTER) } : {},
  );
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const bytes = Buffer.from(JSON.stringify(body, digits));
  response.writeHead(status, { ...headers, "content-type": "application/json", "content-length": bytes.length });
  response.end(bytes);
}

/** Amounts become digits. */
function digits(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
