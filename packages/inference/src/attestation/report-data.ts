import { createHash } from "node:crypto";
import { fromHex, type Hex, utf8 } from "@depinfer/protocol";

/** What a quote has to speak of: this class, computed by whoever holds this key. */
export interface AttestedSubject {
  readonly classId: Hex;
  /** Account whose key signs the receipts; it has to be made inside the trusted domain and stay there. */
  readonly receiptKey: Hex;
  /** 32 bytes that make the quote a fresh one. */
  readonly nonce: Hex;
}

/** The 64 bytes of a quote that its owner chooses: SHA-512 of `domain | classId | receiptKey (20 bytes) | nonce`. */
export function reportData({ classId, receiptKey, nonce }: AttestedSubject): Uint8Array {
  return createHash("sha512")
    .update(utf8("depinfer/attestation/1\n"))
    .update(fromHex(classId, 32))
    .update(fromHex(receiptKey, 20))
    .update(fromHex(nonce, 32))
    .digest();
}
