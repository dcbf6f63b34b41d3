import { DepinferError } from "@depinfer/protocol";
import type { Accusation } from "@depinfer/validator";
import type { ReceiptFile } from "../verification.ts";

/** @throws DepinferError `dispute.noEvidence` for a request without receipt or transcript. */
export function accusationOf({ id, receipt, transcript }: ReceiptFile): Accusation {
  if (receipt === null || transcript === null) {
    throw new DepinferError({
      code: "dispute.noEvidence",
      message: `Request ${id} has no ${receipt === null ? "receipt" : "transcript"}, so there is nothing to judge`,
      remedy: "Dispute an answer whose receipt and transcript are at hand",
      metadata: { id },
    });
  }
  return { signed: receipt, transcript };
}
