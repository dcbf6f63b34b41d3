import { uintBytes } from "@depinfer/protocol";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

/*
 * Gumbel noise that anyone with the seed can draw again.
 *
 *   key(position)   = HMAC-SHA256(seed, u32 position), read as eight little-endian u32 words k0…k7
 *   hash(token)     = two 32-bit finalisers over (k0…k3, token), 53 bits u in (0, 1)
 *   noise(token)    = -ln(-ln u)
 *
 * The key costs one HMAC a position; the noise of a token costs a few multiplications, so that drawing it for 64
 * candidates is cheap. The finaliser is MurmurHash3's fmix32, keyed on both sides; the keys are secret until the
 * provider has answered, so its weakness against chosen inputs does not matter.
 */

/** Keys of one position: 4 words. */
export type PositionKey = readonly [number, number, number, number];

export function positionKey(seed: Uint8Array, position: number): PositionKey {
  return createPositionKeys(seed)(position);
}

/** The keys of one seed. Hashes the seed once instead of at every position, which halves the cost of a key. */
export function createPositionKeys(seed: Uint8Array): (position: number) => PositionKey {
  const keyed = hmac.create(sha256, seed);
  return (position) => {
    const mac = keyed.clone().update(uintBytes(position, 4)).digest();
    const view = new DataView(mac.buffer, mac.byteOffset, 16);
    return [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true), view.getUint32(12, true)];
  };
}

function mix(state: number, word: number): number {
  let h = (state ^ word) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 2^53 as a double; hashes are placed in the middle of their 2^-53 wide cells, so 0 never occurs. */
const CELLS = 9007199254740992;

/** The largest noise that a token draws, about 36.7, but for one hash in 2^53 that rounds to u = 1. */
export const MOST_NOISE = 53 * Math.LN2;

/** Standard Gumbel noise of one token at one position. */
export function gumbel(key: PositionKey, token: number): number {
  const high = mix(mix(key[0], token), key[1]);
  const low = mix(mix(key[2], token), key[3]);
  const uniform = (high * 2097152 + (low >>> 11) + 0.5) / CELLS;
  return -Math.log(-Math.log(uniform));
}
