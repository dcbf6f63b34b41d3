import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { z } from "zod";
import { DepinferError } from "./errors.ts";

/** `0x`-prefixed lower-case hexadecimal. */
export type Hex = `0x${string}`;

/** 32 bytes as `0x` and 64 lower-case digits. */
export const bytes32Schema = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/, "expected 0x and 64 lower-case hexadecimal digits")
  .transform((text): Hex => toHexText(text));

/** A 20-byte account address in lower case. */
export const addressSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "expected 0x and 40 hexadecimal digits")
  .transform((text): Hex => toHexText(text.toLowerCase()));

/** Bytes of any length as `0x` and an even number of digits. */
export const hexSchema = z
  .string()
  .regex(/^0x([0-9a-f]{2})*$/, "expected 0x and an even number of lower-case hexadecimal digits")
  .transform((text): Hex => toHexText(text));

function toHexText(text: string): Hex {
  return `0x${text.slice(2)}`;
}

/** Bytes as `0x` text. */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`;
}

/**
 * `0x` text as bytes.
 *
 * @throws DepinferError `bytes.notHex` when the text is not `0x` and pairs of digits, or not `length` bytes long.
 */
export function fromHex(text: string, length?: number): Uint8Array {
  const digits = text.startsWith("0x") ? text.slice(2) : "";
  if (!/^([0-9a-fA-F]{2})+$/.test(digits) || (length !== undefined && digits.length !== 2 * length)) {
    throw new DepinferError({
      code: "bytes.notHex",
      message: `Expected ${length ?? "some"} bytes as 0x-prefixed hexadecimal, got ${JSON.stringify(text.slice(0, 80))}`,
      remedy: "Pass the value exactly as it was printed",
      metadata: { length: length ?? null },
    });
  }
  return hexToBytes(digits);
}

/** An unsigned integer as `width` big-endian bytes. The caller keeps it in range. */
export function uintBytes(value: bigint | number, width: number): Uint8Array {
  const out = new Uint8Array(width);
  let rest = BigInt(value);
  for (let i = width - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}

/** Token ids as little-endian u32, the form in which they are hashed. */
export function tokenBytes(tokens: ArrayLike<number>): Uint8Array {
  const out = new Uint8Array(4 * tokens.length);
  const view = new DataView(out.buffer);
  for (let i = 0; i < tokens.length; i++) {
    view.setUint32(4 * i, tokens[i] ?? 0, true);
  }
  return out;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) {
    length += part.length;
  }
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}
