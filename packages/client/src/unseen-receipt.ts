import { type DomainBinding, type Hex, type MicroUsd, requestHash, type SignedReceipt } from "@depinfer/protocol";
import type { StartedRequest } from "./buyer-rows.ts";
import { atMost } from "./price-limit.ts";
import { signatureFault } from "./receipt-check.ts";

/** What is known of a request whose end was not seen. */
export type UnseenRequest = Pick<StartedRequest, "id" | "channelId" | "provider" | "request" | "reserved">;

/**
 * What is paid for a receipt whose answer the buyer did not see to its end: what the receipt says, up to what was set
 * aside. Null when the receipt is not one for this request by this provider.
 */
export function unseenCost(
  signed: SignedReceipt,
  request: UnseenRequest,
  receiptKey: Hex,
  binding: DomainBinding,
  recoverAddress: (digest: Uint8Array, signature: Hex) => Hex,
): MicroUsd | null {
  const { receipt } = signed;
  const fits =
    receipt.requestId === request.id &&
    receipt.requestHash === requestHash(request.request) &&
    receipt.channelId === request.channelId &&
    receipt.provider === request.provider &&
    signatureFault(signed, receiptKey, binding, recoverAddress) === null;
  return fits ? atMost(receipt.cost, request.reserved) : null;
}
