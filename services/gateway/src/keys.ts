import { createHash, randomBytes } from "node:crypto";
import {
  addressSchema,
  DepinferError,
  type Hex,
  type MicroUsd,
  microUsd,
  type RequestPolicy,
  requestPolicySchema,
} from "@depinfer/protocol";
import { z } from "zod";

/** What a key may do. */
export const SCOPES = ["inference", "embeddings", "batches", "files", "receipts", "models", "statement"] as const;
export type Scope = (typeof SCOPES)[number];

/** Most of each that a key may have; null for no limit. */
export interface KeyLimits {
  readonly requestsPerMinute: number | null;
  /** Prompt and output together. */
  readonly tokensPerMinute: number | null;
  /** Requests at work at the same time. */
  readonly concurrent: number | null;
}

/** What the owner of a gateway says of a key beside its money. */
export interface KeySettings {
  readonly scopes: readonly Scope[];
  readonly limits: KeyLimits;
  /** Milliseconds since 1970, or null for a key that does not end by itself. */
  readonly expiresAt: number | null;
  /** What its requests demand of providers where they do not say so themselves. */
  readonly policy: RequestPolicy | null;
}

export interface ApiKey extends KeySettings {
  /** The account that requests with this key belong to. */
  readonly name: string;
  /** Most that the key may spend, or null. */
  readonly budget: MicroUsd | null;
  /** The pass that pays for this key's requests, or null where the gateway's wallet does. */
  readonly pass: bigint | null;
  /** Who let it pay and has to hold it still; null where the gateway's owner did, who answers for it. */
  readonly passHolder: Hex | null;
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
   * @throws DepinferError `key.badName`, `key.badSettings` or `key.nameTaken`.
   */
  create(name: string, budget: MicroUsd | null, settings?: KeyChanges): Promise<string>;
  /** As `create`, but a key of this name stops working instead. */
  replace(name: string, budget: MicroUsd | null): Promise<string>;
  list(): Promise<readonly ListedKey[]>;
  /** @throws DepinferError `key.noSuchName`, as do the next ones. */
  setBudget(name: string, budget: MicroUsd | null): Promise<void>;
  /** Changes the settings that are given and leaves the others. @throws DepinferError also `key.badSettings`. */
  setSettings(name: string, settings: KeyChanges): Promise<void>;
  /**
   * Lets a pass pay for a key, or with null the gateway's wallet again.
   *
   * @param holder who lets it: whoever the pass is handed over to later pays for nobody else's key.
   */
  bindPass(name: string, pass: bigint | null, holder?: Hex): Promise<void>;
  /** The key stops working; its account's requests stay. */
  revoke(name: string): Promise<void>;
  /**
   * The key in an `Authorization: Bearer …` or `x-api-key` header.
   *
   * @throws DepinferError `key.missing`, `key.unknown`, `key.revoked` or `key.expired`.
   */
  authenticate(headers: KeyHeaders): Promise<ApiKey>;
}

/** Headers that a key may come in. */
export type KeyHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** A key as it is stored. */
export interface KeyRecord {
  readonly name: string;
  /** SHA-256 of its text, hexadecimal. */
  readonly hash: string;
  readonly budget: bigint | null;
  readonly pass: bigint | null;
  /** Milliseconds since 1970, or null. */
  readonly revokedAt: number | null;
  /** JSON of settings that differ from the defaults. */
  readonly settings: string;
}

/** Where keys are kept: a gateway's own journal, or a database that many share. */
export interface KeyStore {
  /** Adds a key, or takes the place of the one with its name. With `onlyNew` one that works stays, and false is returned. */
  put(record: Pick<KeyRecord, "name" | "hash" | "budget" | "settings">, onlyNew: boolean): Promise<boolean>;
  byHash(hash: string): Promise<KeyRecord | undefined>;
  byName(name: string): Promise<KeyRecord | undefined>;
  /** By name. */
  all(): Promise<readonly KeyRecord[]>;
  /** Changes fields of a key; false when there is none of that name. */
  change(
    name: string,
    fields: Partial<Pick<KeyRecord, "budget" | "pass" | "revokedAt" | "settings">>,
  ): Promise<boolean>;
}

const PREFIX = "sk-depinfer-";
/** Names are accounts. Others than keys have a colon in theirs, so that nobody can take them. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const count = z.int().min(1).max(1_000_000_000).nullable().optional();

/** Settings as they are stored and as an owner gives them. What is missing stays as it is. */
export const keySettingsSchema = z.strictObject({
  scopes: z.array(z.enum(SCOPES)).min(1).readonly().optional(),
  limits: z.strictObject({ requestsPerMinute: count, tokensPerMinute: count, concurrent: count }).partial().optional(),
  expiresAt: z.int().min(0).nullable().optional(),
  policy: requestPolicySchema.nullable().optional(),
});

/** What is kept beside them. */
const storedSettingsSchema = keySettingsSchema.extend({ passHolder: addressSchema.optional() });
type StoredSettings = z.output<typeof storedSettingsSchema>;

/** Settings of which only some are given. */
export type KeyChanges = z.output<typeof keySettingsSchema>;

export function createKeys(store: KeyStore, now: () => number = Date.now): Keys {
  async function put(name: string, budget: MicroUsd | null, settings: KeyChanges, onlyNew: boolean) {
    if (!NAME.test(name)) {
      throw new DepinferError({
        code: "key.badName",
        message: `${JSON.stringify(name.slice(0, 80))} cannot be the name of a key`,
        remedy: "Use 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit",
      });
    }
    const text = PREFIX + randomBytes(24).toString("base64url");
    if (!(await store.put({ name, hash: hashOf(text), budget, settings: settingsJson(settings) }, onlyNew))) {
      throw new DepinferError({
        code: "key.nameTaken",
        message: `There is a key called ${JSON.stringify(name)} already`,
        remedy: "Choose another name, or revoke that key first",
        metadata: { name },
      });
    }
    return text;
  }

  async function change(name: string, fields: Parameters<KeyStore["change"]>[1]): Promise<void> {
    if (!(await store.change(name, fields))) {
      throw noSuchName(name);
    }
  }

  return {
    create: (name, budget, settings = {}) => put(name, budget, settings, true),
    replace: (name, budget) => put(name, budget, {}, false),
    list: async () => (await store.all()).map((record) => ({ ...toKey(record), revoked: record.revokedAt !== null })),
    setBudget: (name, budget) => change(name, { budget }),
    async setSettings(name, settings) {
      const before = await store.byName(name);
      if (before === undefined) {
        throw noSuchName(name);
      }
      const { scopes, limits, expiresAt, policy, passHolder } = toKey(before);
      const merged = { scopes, expiresAt, policy, ...settings, limits: { ...limits, ...settings.limits } };
      await change(name, { settings: settingsJson({ ...merged, ...(passHolder === null ? {} : { passHolder }) }) });
    },
    async bindPass(name, pass, holder) {
      const before = await store.byName(name);
      if (before === undefined) {
        throw noSuchName(name);
      }
      const { passHolder: _, ...settings } = storedSettingsSchema.parse(JSON.parse(before.settings));
      const stored = holder === undefined ? settings : { ...settings, passHolder: holder };
      await change(name, { pass, settings: settingsJson(stored) });
    },
    revoke: (name) => change(name, { revokedAt: now() }),
    async authenticate(headers) {
      const text = given(headers);
      const record = text === undefined ? undefined : await store.byHash(hashOf(text));
      if (text === undefined || record === undefined) {
        throw text === undefined ? missing() : unknown(text);
      }
      const key = toKey(record);
      if (record.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= now())) {
        throw ended(key.name, record.revokedAt === null ? "expired" : "revoked");
      }
      return key;
    },
  };
}

/** @throws DepinferError `key.scope` when the key may not do it. */
export function requireScope(key: ApiKey, scope: Scope): void {
  if (!key.scopes.includes(scope)) {
    throw new DepinferError({
      code: "key.scope",
      message: `The key of ${key.name} is not for ${scope}, but for ${key.scopes.join(", ")}`,
      remedy: `Use a key with the scope ${scope}, or ask the owner of this gateway for it`,
      metadata: { account: key.name, scope },
    });
  }
}

/**
 * SHA-256 of the key that a request came with, by which its holder names it without telling it.
 *
 * @throws DepinferError `key.missing`.
 */
export function keyHashOf(headers: KeyHeaders): Hex {
  const text = given(headers);
  if (text === undefined) {
    throw missing();
  }
  return `0x${hashOf(text)}`;
}

function given(headers: KeyHeaders): string | undefined {
  const bearer = /^Bearer (\S{1,200})$/i.exec(String(headers.authorization ?? ""))?.[1];
  const other = headers["x-api-key"];
  return bearer ?? (typeof other === "string" ? /^\S{1,200}$/.exec(other)?.[0] : undefined);
}

/** @throws DepinferError `key.badSettings`. */
function settingsJson(settings: StoredSettings): string {
  const json = JSON.stringify(settings, (_name, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  const parsed = storedSettingsSchema.safeParse(JSON.parse(json));
  if (!parsed.success) {
    throw new DepinferError({
      code: "key.badSettings",
      message: `The key cannot be set so: ${z.prettifyError(parsed.error)}`,
      remedy: `Scopes are ${SCOPES.join(", ")}; limits are whole numbers from 1 on`,
    });
  }
  return json;
}

function toKey({ name, budget, pass, settings }: KeyRecord): ApiKey {
  const {
    scopes = SCOPES,
    limits = {},
    expiresAt = null,
    policy = null,
    passHolder = null,
  } = storedSettingsSchema.parse(JSON.parse(settings));
  return {
    name,
    budget: budget === null ? null : microUsd(budget),
    pass,
    scopes,
    limits: {
      requestsPerMinute: limits.requestsPerMinute ?? null,
      tokensPerMinute: limits.tokensPerMinute ?? null,
      concurrent: limits.concurrent ?? null,
    },
    expiresAt,
    policy,
    passHolder,
  };
}

function missing(): DepinferError {
  return new DepinferError({
    code: "key.missing",
    message: "No API key was given",
    remedy: "Send the header `Authorization: Bearer sk-depinfer-…` with a key of this gateway",
  });
}

function unknown(text: string): DepinferError {
  return new DepinferError({
    code: "key.unknown",
    message: `The API key ${text.slice(0, PREFIX.length + 3)}… is not one of this gateway's`,
    remedy: "Check the key; `npm start` prints the first one",
  });
}

function ended(name: string, how: "expired" | "revoked"): DepinferError {
  return new DepinferError({
    code: `key.${how}`,
    message: `The API key of ${name} ${how === "expired" ? "has expired" : "was revoked"}`,
    remedy: "Ask the owner of this gateway for another one",
  });
}

function noSuchName(name: string): DepinferError {
  return new DepinferError({
    code: "key.noSuchName",
    message: `No key is called ${JSON.stringify(name.slice(0, 80))}`,
    remedy: "List the keys to see their names",
  });
}

/** A key has 192 random bits, so a plain hash cannot be searched. */
function hashOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
