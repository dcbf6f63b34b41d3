import { existsSync, readFileSync } from "node:fs";
import { DepinferError } from "@depinfer/protocol";
import { type Access, createClient } from "./gateway-client.ts";
import { type ReceiptFile, receiptFileSchema } from "./verification.ts";

/**
 * What a command's RECEIPT stands for: a file with what the gateway answers at `/v1/receipts/ID`, or an id, for which
 * the gateway is asked.
 *
 * @param access of the gateway that bought the answer; only called for an id.
 * @throws DepinferError `receipt.badReference` when it is neither.
 */
export async function loadReceipt(reference: string, access: () => Access): Promise<ReceiptFile> {
  if (existsSync(reference)) {
    return receiptFileSchema.parse(JSON.parse(readFileSync(reference, "utf8")));
  }
  if (!/^0x[0-9a-f]{64}$/.test(reference)) {
    throw new DepinferError({
      code: "receipt.badReference",
      message: `${JSON.stringify(reference)} is neither a receipt's id nor a file`,
      remedy:
        "Pass the value of the header x-depinfer-receipt, 0x and 64 digits, or a file with what /v1/receipts/ID answered",
      metadata: { reference },
    });
  }
  return createClient(access()).get(`/v1/receipts/${encodeURIComponent(reference)}`, receiptFileSchema);
}
