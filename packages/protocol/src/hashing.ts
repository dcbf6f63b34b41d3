import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concatBytes } from "./bytes.ts";

const encoder = new TextEncoder();

/** Keccak-256, the hash of everything that a contract may have to check. */
export function keccak(...parts: readonly Uint8Array[]): Uint8Array {
  return keccak_256(parts.length === 1 && parts[0] !== undefined ? parts[0] : concatBytes(...parts));
}

/** SHA-256, the hash of files and bodies, which no contract checks. */
export function digestSha256(...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(parts.length === 1 && parts[0] !== undefined ? parts[0] : concatBytes(...parts));
}

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * JSON with object keys in code-unit order, no white space and no undefined members, so that equal values have equal
 * bytes. Numbers must be safe integers or short decimals; money is a string before it comes here.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") {
    return JSON.stringify(value) ?? "null";
  }
  if (Array.isArray(value)) {
    return `[${value.map(canonicalJson).join(",")}]`;
  }
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}
