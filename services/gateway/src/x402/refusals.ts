import type { IncomingMessage } from "node:http";
import { DepinferError, errorMessage, formatUsd, type MicroUsd, microUsd } from "@depinfer/protocol";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import type { Quote } from "./quote.ts";
import type { PaymentToken } from "./resource-server.ts";

/* Why nothing is sold, in words that say what to do instead. */

/** x402's own classes throw when the chain does not answer. */
export function unverified(cause: unknown): never {
  throw cause instanceof DepinferError
    ? cause
    : new DepinferError({
        code: "payment.unverified",
        message: `The payment cannot be verified now: ${errorMessage(cause)}`,
        remedy: "Nothing was taken. Send the same request with the same payment again in a moment",
        retryable: true,
        cause,
      });
}

export function urlOf({ headers, url = "/" }: IncomingMessage): string {
  return `http://${headers.host ?? "localhost"}${url.split("?", 1)[0] ?? "/"}`;
}

export function nothingToRefund(why: string): DepinferError {
  return new DepinferError({
    code: "payment.noRefund",
    message: `Nothing can be refunded: ${why}`,
    remedy:
      "Ask with the refund of an x402 client that has paid here by `batch-settlement`; requests are sent with POST",
  });
}

function priceOf(options: readonly PaymentRequirements[], scheme: string): MicroUsd | null {
  const found = options.find((option) => option.scheme === scheme);
  return found === undefined ? null : microUsd(BigInt(found.amount));
}

export function paymentRequired(
  quote: Quote,
  options: readonly PaymentRequirements[],
  token: PaymentToken,
): DepinferError {
  const exact = priceOf(options, "exact") ?? quote.most;
  const batched =
    priceOf(options, "batch-settlement") === null
      ? ""
      : ", or by a channel (`batch-settlement`) that is charged what the answer really costs";
  return new DepinferError({
    code: "payment.required",
    message: `This request costs at most ${formatUsd(quote.most)} for up to ${quote.maxTokens} tokens; ${formatUsd(exact)} in ${token.name} pay for it at once (\`exact\`)${batched}. Nothing is taken for an answer that fails`,
    remedy:
      "Pay by x402 as the PAYMENT-REQUIRED header says, for example with @x402/fetch, or send an API key of this gateway (`Authorization: Bearer sk-depinfer-…`), which a pass may pay for",
    metadata: { most: quote.most.toString(), exact: exact.toString() },
  });
}

export function mismatch({ accepted }: PaymentPayload, options: readonly PaymentRequirements[]): DepinferError {
  const asked = options.map(
    ({ scheme, amount, asset, network }) => `${amount} units of ${asset} on ${network} by ${scheme}`,
  );
  return new DepinferError({
    code: "payment.mismatch",
    message: `The payment of ${accepted.amount.slice(0, 40)} units of ${accepted.asset.slice(0, 60)} on ${accepted.network.slice(0, 40)} by ${accepted.scheme.slice(0, 40)} is not what this request asks for: ${asked.join(", or ")}`,
    remedy: "Nothing was taken. Pay what the PAYMENT-REQUIRED header of this answer says",
  });
}
