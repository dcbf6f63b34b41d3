import type { Hex } from "@depinfer/protocol";

/** viem returns addresses with a checksum's capitals; everything here has them in lower case. */
export function lowerCase(value: Hex): Hex {
  return `0x${value.slice(2).toLowerCase()}`;
}
