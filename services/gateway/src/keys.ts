import { createHash, randomBytes } from "node:crypto";
import { type Journal, moneyColumn, textColumn } from "@depinfer/journal";
import { DepinferError, type MicroUsd } from "@depinfer/protocol";

export interface ApiKey {
  /** The account that requests with this key belong to. */
  readonly name: string;
  /** Most that the key may spend, or null. */
  readonly budget: MicroUsd | null;
}

/** API keys of the gateway's own apps. Only their hashes are stored. */
export interface Keys {
  /** Makes a key and returns its text, which is shown once. */
  create(name: string, budget: MicroUsd | null): string;
  /** The key in an `Authorization: Bearer …` header. @throws DepinferError `key.missing` or `key.unknown`. */
  authenticate(authorization: string | undefined): ApiKey;
}

const PREFIX = "sk-depinfer-";

export function createKeys(journal: Journal): Keys {
  const insert = journal.db.prepare(
    "INSERT INTO keys (hash, name, budget) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, budget = excluded.budget",
  );
  const find = journal.db.prepare("SELECT name, budget FROM keys WHERE hash = ?");
  return {
    create(name, budget) {
      const key = PREFIX + randomBytes(24).toString("base64url");
      journal.recordNow(() => insert.run(hashOf(key), name, budget));
      return key;
    },
    authenticate(authorization) {
      const key = /^Bearer (\S{1,200})$/.exec(authorization ?? "")?.[1];
      if (key === undefined) {
        throw new DepinferError({
          code: "key.missing",
          message: "No API key was given",
          remedy: "Send the header `Authorization: Bearer sk-depinfer-…` with a key of this gateway",
        });
      }
      const row = find.get(hashOf(key));
      if (row === undefined) {
        throw new DepinferError({
          code: "key.unknown",
          message: `The API key ${key.slice(0, PREFIX.length + 3)}… is not one of this gateway's`,
          remedy: "Check the key; `npm start` prints the first one",
        });
      }
      return { name: textColumn(row, "name"), budget: row.budget === null ? null : moneyColumn(row, "budget") };
    },
  };
}

/** A key has 192 random bits, so a plain hash cannot be searched. */
function hashOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
