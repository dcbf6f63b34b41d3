import type { Scope } from "../keys.ts";

/** What a key must be for, null where any will do, and whether the request buys an answer at once. */
export interface Demanded {
  readonly scope: Scope | null;
  readonly buys: boolean;
}

const SCOPE_BY_FOLDER: Readonly<Record<string, Scope | null>> = {
  // What a key is and how much goes on every holder may know.
  key: null,
  pulse: null,
  events: "receipts",
  embeddings: "embeddings",
  batches: "batches",
  files: "files",
  receipts: "receipts",
  requests: "receipts",
  models: "models",
  offers: "models",
  statement: "statement",
};

/** By the first folder below `/v1`; what is not named there is inference. */
export function scopeOf(method: string, path: string): Demanded {
  const folder = /^\/v1\/([a-z]+)/.exec(path)?.[1] ?? "";
  const known = SCOPE_BY_FOLDER[folder];
  const scope = known === undefined ? "inference" : known;
  return { scope, buys: method === "POST" && (scope === "inference" || scope === "embeddings") };
}
