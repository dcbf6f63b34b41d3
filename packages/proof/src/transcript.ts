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

/** Tokens of one leaf: together with its head it fits into one block of Keccak, so a leaf costs one permutation. */
export const LEAF_TOKENS = 32;
const LEAF_TAG = Uint8Array.of(0);

/**
 * Leaf of up to 32 delivered tokens: keccak of `u8 0 | u32 position of the first, big-endian | ids as little-endian
 * u32`. That is 5 + 4n bytes, never 64, so that no leaf can be taken for an inner node.
 */
export function transcriptLeaf(first: number, tokens: readonly number[]): Uint8Array {
  return keccak(LEAF_TAG, uintBytes(first, 4), tokenBytes(tokens));
}

function leavesOf(tokens: readonly number[]): Uint8Array[] {
  return Array.from({ length: Math.ceil(tokens.length / LEAF_TOKENS) }, (_, leaf) =>
    transcriptLeaf(leaf * LEAF_TOKENS, tokens.slice(leaf * LEAF_TOKENS, (leaf + 1) * LEAF_TOKENS)),
  );
}

/** Merkle root over the delivered tokens; 32 zero bytes when none was delivered. */
export function transcriptRoot(tokens: readonly number[]): Hex {
  return toHex(merkleRoot(leavesOf(tokens)));
}

/** Proof that the leaf with `tokens[position]` stands in the transcript, for one who does not see the rest. */
export function openTranscript(tokens: readonly number[], position: number): Hex[] {
  return merkleProof(leavesOf(tokens), Math.floor(position / LEAF_TOKENS)).map(toHex);
}
