import { DepinferError, errorMessage } from "@depinfer/protocol";

export function asError(cause: unknown): DepinferError {
  return cause instanceof DepinferError
    ? cause
    : new DepinferError({
        code: "buyer.internal",
        message: errorMessage(cause),
        remedy: "Report this with the gateway's log",
        cause,
      });
}

export function cancelledError(): DepinferError {
  return new DepinferError({
    code: "request.cancelled",
    message: "The request was cancelled",
    remedy: "Nothing to do",
  });
}

export function missingReceipt(): DepinferError {
  return new DepinferError({
    code: "provider.noReceipt",
    message: "The provider delivered an answer and signed no receipt for it",
    remedy: "Nothing was paid for it; ask again",
    retryable: true,
  });
}
