import {
  digestSha256,
  type Hex,
  keccak,
  merkleProof,
  merkleRoot,
  toHex,
  tokenBytes,
  uintBytes,
  utf8,
} from "@depinfer/protocol";

/** SHA-256 of a prompt's token ids as little-endian u32. Binds system prompt and chat template, since ids contain both. */
export function promptHash(tokens: ArrayLike<number>): Hex {
  return toHex(digestSha256(tokenBytes(tokens)));
}

/** SHA-256 of the delivered text's UTF-8 bytes. */
export function textHash(text: string): Hex {
  return toHex(digestSha256(utf8(text)));
}

/**
 * Leaf of one delivered token: keccak of 8 bytes, `u32 position | u32 token id`, big-endian. Inner nodes hash 64 bytes,
 * so that no leaf can be taken for one.
 */
export function transcriptLeaf(position: number, token: number): Uint8Array {
  return keccak(uintBytes(position, 4), uintBytes(token, 4));
}

function leavesOf(tokens: readonly number[]): Uint8Array[] {
  return tokens.map((token, position) => transcriptLeaf(position, token));
}

/** Merkle root over the delivered tokens; 32 zero bytes when none was delivered. */
export function transcriptRoot(tokens: readonly number[]): Hex {
  return toHex(merkleRoot(leavesOf(tokens)));
}

/** Proof that `tokens[position]` stands in the transcript, for a contract or a juror that does not see the rest. */
export function openTranscript(tokens: readonly number[], position: number): Hex[] {
  return merkleProof(leavesOf(tokens), position).map(toHex);
}
