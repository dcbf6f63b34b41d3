/** Reads tokenizer.json. */
import { readFileSync } from "node:fs";
import type { Tokenizer } from "./bpe.ts";

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

function isTokenizer(value: unknown): value is Tokenizer {
  if (typeof value !== "object" || value === null) return false;
  if (!("special" in value) || !("tokens" in value) || !("merges" in value)) return false;
  const { special, tokens, merges } = value;
  return (
    isStrings(special) &&
    isStrings(tokens) &&
    Array.isArray(merges) &&
    merges.every((pair) => isStrings(pair) && pair.length === 2)
  );
}

export function readTokenizer(path: string): Tokenizer {
  const value: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (!isTokenizer(value)) throw new Error(`${path} is not a tokenizer.`);
  return value;
}
