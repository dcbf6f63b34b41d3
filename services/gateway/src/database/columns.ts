import type { SqlRow } from "./postgres.ts";

function unexpected(row: SqlRow, column: string, wanted: string): TypeError {
  return new TypeError(`column ${column} holds ${typeof row[column]} where ${wanted} belongs`);
}

export function wholeValue(row: SqlRow, column: string): bigint {
  const value = row[column];
  if (typeof value !== "bigint") {
    throw unexpected(row, column, "a whole number");
  }
  return value;
}

export function textValue(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") {
    throw unexpected(row, column, "text");
  }
  return value;
}

export function bytesValue(row: SqlRow, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) {
    throw unexpected(row, column, "bytes");
  }
  return value;
}
