import { keccak } from "./hashing.ts";

/*
 * Merkle trees as Solady's MerkleProofLib checks them: a parent is the hash of its two children in ascending order,
 * and an odd node at the end of a level rises unchanged. Leaves are already hashes; their makers keep them apart from
 * inner nodes by hashing something that is not 64 bytes long.
 */

function parentOf(a: Uint8Array, b: Uint8Array): Uint8Array {
  return compare(a, b) <= 0 ? keccak(a, b) : keccak(b, a);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}

function levelsOf(leaves: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const levels: (readonly Uint8Array[])[] = [leaves];
  for (let level = leaves; level.length > 1; ) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i];
      const right = level[i + 1];
      if (left !== undefined) {
        next.push(right === undefined ? left : parentOf(left, right));
      }
    }
    levels.push(next);
    level = next;
  }
  return levels;
}

/** Root of a tree over 32-byte leaves; 32 zero bytes for no leaves at all. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  return levelsOf(leaves).at(-1)?.[0] ?? new Uint8Array(32);
}

/** Sibling hashes from leaf `index` up to the root. */
export function merkleProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length) {
    throw new RangeError(`no leaf ${index} among ${leaves.length}`);
  }
  const proof: Uint8Array[] = [];
  let position = index;
  for (const level of levelsOf(leaves)) {
    const sibling = level[position ^ 1];
    if (sibling !== undefined && level.length > 1) {
      proof.push(sibling);
    }
    position >>= 1;
  }
  return proof;
}

/** Whether `proof` leads from `leaf` to `root`. */
export function merkleVerify(leaf: Uint8Array, proof: readonly Uint8Array[], root: Uint8Array): boolean {
  const reached = proof.reduce(parentOf, leaf);
  return reached.length === root.length && compare(reached, root) === 0;
}
