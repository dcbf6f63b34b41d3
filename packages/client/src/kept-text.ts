import { textHash } from "@depinfer/proof";
import type { StoredRequest } from "./buyer-rows.ts";

/**
 * Whether the text that is stored for a request is what its receipt is for. After a crash a receipt may come for text that
 * was delivered and never kept.
 */
export function textIsKept({ signed, text }: Pick<StoredRequest, "signed" | "text">): boolean {
  return signed !== null && textHash(text) === signed.receipt.textHash;
}
