import type { SQLOutputValue } from "node:sqlite";
import { type Hex, type MicroUsd, microUsd, tokenBytes } from "@depinfer/protocol";

/** A row as SQLite returns it. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

function unexpected(row: Row, column: string, wanted: string): TypeError {
  return new TypeError(`column ${column} holds ${typeof row[column]} where ${wanted} belongs`);
}

export function textColumn(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") {
    throw unexpected(row, column, "text");
  }
  return value;
}

export function hexColumn(row: Row, column: string): Hex {
  const value = textColumn(row, column);
  if (!isHex(value)) {
    throw unexpected(row, column, "0x text");
  }
  return value;
}

function isHex(value: string): value is Hex {
  return value.startsWith("0x");
}

export function countColumn(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== "bigint") {
    throw unexpected(row, column, "an integer");
  }
  return Number(value);
}

/** Money is stored as a 64-bit integer of units: nine trillion dollars at most. */
export function moneyColumn(row: Row, column: string): MicroUsd {
  const value = row[column];
  if (typeof value !== "bigint") {
    throw unexpected(row, column, "an amount");
  }
  return microUsd(value);
}

export function bytesColumn(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) {
    throw unexpected(row, column, "bytes");
  }
  return value;
}

/** Token ids as they are stored: little-endian u32, one after the other. */
export function tokensBlob(tokens: readonly number[]): Uint8Array {
  return tokenBytes(tokens);
}

export function tokensColumn(row: Row, column: string): number[] {
  const bytes = bytesColumn(row, column);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / 4 }, (_, index) => view.getUint32(4 * index, true));
}
