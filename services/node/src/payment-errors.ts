import { DepinferError, type ErrorMetadata } from "@depinfer/protocol";

/** Why a provider does not take a voucher or does not serve against a channel. None of these changes any state. */
const REMEDIES = {
  "payment.wrongChannel": "Send vouchers of a channel whose receiver is this provider",
  "payment.wrongToken": "Open a channel in the token that this provider takes",
  "payment.badSignature": "Sign the voucher with the channel's payerAuthorizer, for this chain and this contract",
  "payment.voucherBackwards": "Send the highest voucher signed so far; vouchers only grow",
  "payment.channelNotOpen": "Open the channel and wait until its transaction is mined",
  "payment.aboveDeposit": "Top the channel up first, or sign at most the deposit",
  "payment.channelUnknown": "Send a VOUCHER frame with the channel's config before the first request",
  "payment.channelClosing": "Open a new channel",
  "payment.voucherDue": "Sign a voucher for what was delivered",
  "payment.depositExhausted": "Top the channel up, or ask for fewer tokens",
} as const;

export type PaymentErrorCode = keyof typeof REMEDIES;

export function paymentError(code: PaymentErrorCode, message: string, metadata: ErrorMetadata): DepinferError {
  // Another provider may serve at once, and this one after the remedy.
  return new DepinferError({ code, message, remedy: REMEDIES[code], metadata, retryable: true });
}
