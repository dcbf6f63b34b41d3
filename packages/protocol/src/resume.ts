import { z } from "zod";
import { bytes32Schema, tokenBytes } from "./bytes.ts";

/** Tokens that an answer may have had before it is gone on with. */
const MOST_TOKENS = 1_000_000;

/**
 * An answer that was begun elsewhere: what its randomness came from and the tokens that it has. Whoever goes on with it
 * draws the tokens that the first provider would have drawn.
 */
export const resumeSchema = z.strictObject({
  /** Parts of the seed, from the request that was answered first. */
  requestId: bytes32Schema,
  buyerNonce: bytes32Schema,
  providerNonce: bytes32Schema,
  choice: z.int().min(0).max(7).optional(),
  /** Ids as little-endian u32, all since the answer began; empty when all of it has to be made again. */
  tokens: z
    .base64()
    .max(Math.ceil((4 * MOST_TOKENS) / 3) + 4)
    .refine((text) => decodedLength(text) % 4 === 0, "expected whole token ids"),
});
export type Resume = z.output<typeof resumeSchema>;

function decodedLength(base64: string): number {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}

/** Token ids as they stand in `resume.tokens`. */
export function encodeResumed(tokens: readonly number[]): string {
  return btoa(Array.from(tokenBytes(tokens), (byte) => String.fromCharCode(byte)).join(""));
}

/** The token ids of an answer that is gone on with; none for one that begins here. */
export function resumedTokens({ resume }: { readonly resume?: Resume | undefined }): number[] {
  if (resume === undefined) {
    return [];
  }
  const bytes = Uint8Array.from(atob(resume.tokens), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(4 * index, true));
}
