import { describeError } from "../http-error.ts";

/** Anthropic's names for what went wrong, by status. */
const TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  422: "invalid_request_error",
  429: "rate_limit_error",
  503: "overloaded_error",
};

/** An error in the shape that Anthropic's client libraries read. */
export function describeMessageError(error: unknown) {
  const { status, body, retryable } = describeError(error);
  const type = TYPES[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
  const { message, code, param } = body.error;
  return { status, retryable, body: { type: "error", error: { type, message, code, param }, request_id: null } };
}
