import { createHash, randomBytes } from "node:crypto";
import { type Journal, moneyColumn, type Row, textColumn } from "@depinfer/journal";
import { DepinferError, type MicroUsd } from "@depinfer/protocol";

export interface ApiKey {
  /** The account that requests with this key belong to. */
  readonly name: string;
  /** Most that the key may spend, or null. */
  readonly budget: MicroUsd | null;
  /** The pass that pays for this key's requests, or null where the gateway's wallet does. */
  readonly pass: bigint | null;
}

/** A key as its owner lists it. */
export interface ListedKey extends ApiKey {
  readonly revoked: boolean;
}

/** API keys of the gateway's own apps. Only their hashes are stored. Every change counts from the next request on. */
export interface Keys {
  /**
   * Makes a key and returns its text, which is shown once. The account of a key that was revoked goes on under the new
   * one, with what it has spent.
   *
   * @throws DepinferError `key.badName` or `key.nameTaken`.
   */
  create(name: string, budget: MicroUsd | null): string;
  /** As `create`, but a key of this name stops working instead. */
  replace(name: string, budget: MicroUsd | null): string;
  list(): readonly ListedKey[];
  /** @throws DepinferError `key.noSuchName`, as do the next two. */
  setBudget(name: string, budget: MicroUsd | null): void;
  /** Lets a pass pay for a key, or with null the gateway's wallet again. */
  bindPass(name: string, pass: bigint | null): void;
  /** The key stops working; its account's requests stay. */
  revoke(name: string): void;
  /** The key in an `Authorization: Bearer …` header. @throws DepinferError `key.missing`, `key.unknown` or `key.revoked`. */
  authenticate(authorization: string | undefined): ApiKey;
}

const PREFIX = "sk-depinfer-";
/** Names are accounts. Others than keys have a colon in theirs, so that nobody can take them. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function createKeys(journal: Journal): Keys {
  const { db } = journal;
  const insert = db.prepare(
    "INSERT INTO keys (hash, name, budget) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, budget = excluded.budget, revoked_at = NULL",
  );
  const byHash = db.prepare("SELECT * FROM keys WHERE hash = ?");
  const byName = db.prepare("SELECT * FROM keys WHERE name = ?");
  const all = db.prepare("SELECT * FROM keys ORDER BY name");
  const setBudget = db.prepare("UPDATE keys SET budget = ? WHERE name = ?");
  const bindPass = db.prepare("UPDATE keys SET pass = ? WHERE name = ?");
  const revoke = db.prepare("UPDATE keys SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL");

  function replace(name: string, budget: MicroUsd | null): string {
    if (!NAME.test(name)) {
      throw new DepinferError({
        code: "key.badName",
        message: `${JSON.stringify(name.slice(0, 80))} cannot be the name of a key`,
        remedy: "Use 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit",
      });
    }
    const key = PREFIX + randomBytes(24).toString("base64url");
    journal.recordNow(() => insert.run(hashOf(key), name, budget));
    return key;
  }

  function change(name: string, write: () => { readonly changes: number | bigint }): void {
    const { changes } = journal.recordNow(write);
    if (BigInt(changes) === 0n) {
      throw new DepinferError({
        code: "key.noSuchName",
        message: `No key is called ${JSON.stringify(name.slice(0, 80))}`,
        remedy: "List the keys to see their names",
      });
    }
  }

  return {
    create(name, budget) {
      const row = byName.get(name);
      if (row !== undefined && row.revoked_at === null) {
        throw new DepinferError({
          code: "key.nameTaken",
          message: `There is a key called ${JSON.stringify(name)} already`,
          remedy: "Choose another name, or revoke that key first",
          metadata: { name },
        });
      }
      return replace(name, budget);
    },
    replace,
    list: () => all.all().map((row) => ({ ...toKey(row), revoked: row.revoked_at !== null })),
    setBudget: (name, budget) => change(name, () => setBudget.run(budget, name)),
    bindPass: (name, pass) => change(name, () => bindPass.run(pass, name)),
    revoke: (name) => change(name, () => revoke.run(Date.now(), name)),
    authenticate(authorization) {
      const key = /^Bearer (\S{1,200})$/.exec(authorization ?? "")?.[1];
      if (key === undefined) {
        throw new DepinferError({
          code: "key.missing",
          message: "No API key was given",
          remedy: "Send the header `Authorization: Bearer sk-depinfer-…` with a key of this gateway",
        });
      }
      const row = byHash.get(hashOf(key));
      if (row === undefined) {
        throw new DepinferError({
          code: "key.unknown",
          message: `The API key ${key.slice(0, PREFIX.length + 3)}… is not one of this gateway's`,
          remedy: "Check the key; `npm start` prints the first one",
        });
      }
      if (row.revoked_at !== null) {
        throw new DepinferError({
          code: "key.revoked",
          message: `The API key of ${textColumn(row, "name")} was revoked`,
          remedy: "Ask the owner of this gateway for another one",
        });
      }
      return toKey(row);
    },
  };
}

function toKey(row: Row): ApiKey {
  return {
    name: textColumn(row, "name"),
    budget: row.budget === null ? null : moneyColumn(row, "budget"),
    pass: typeof row.pass === "bigint" ? row.pass : null,
  };
}

/** A key has 192 random bits, so a plain hash cannot be searched. */
function hashOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
