import { createCipheriv, createDecipheriv, randomBytes, randomUUID, scrypt } from "node:crypto";
import { link, open, readFile, stat, unlink } from "node:fs/promises";
import { fromHex, type Hex, toHex } from "@depinfer/protocol";
import { ChainError } from "./errors.ts";

/*
 * Keys at rest: the Web3 Secret Storage layout (version 3), with two differences that its `cipher` field makes plain.
 * The payload is a JSON object of named secrets instead of one key, and AES-256-GCM authenticates it, so that no
 * separate MAC is needed and a damaged file is told from a wrong passphrase only by the format around the payload.
 */

/** Named secrets, such as `{ receiptKey: "0x…", wallet: "0x…" }`. */
export type Secrets = Readonly<Record<string, Hex>>;

/** 2^15 × 8 × 128 bytes = 32 MiB and about 0.1 s per guess: OWASP's floor for scrypt with p = 3 is 2^15, r = 8. */
const SCRYPT = { n: 2 ** 15, r: 8, p: 3, dklen: 32 } as const;
/** For a passphrase of 192 random bits, which no stretching makes harder to guess. */
const SCRYPT_FOR_RANDOM = { n: 2 ** 10, r: 8, p: 1, dklen: 32 } as const;
const RANDOM_PASSPHRASE = /^random-[A-Za-z0-9_-]{32}$/;
/** scrypt needs 128·n·r bytes and a little more; Node's default limit is exactly 32 MiB, and refuses. */
const SCRYPT_MAX_MEMORY = 64 * 1024 * 1024;

interface KeystoreFile {
  readonly iv: string;
  readonly tag: string;
  readonly ciphertext: string;
  readonly salt: string;
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/**
 * Encrypts `secrets` under `passphrase` into a new file of mode 0600.
 *
 * @throws ChainError `keystore.exists` when there is a file already (keys are never overwritten), `keystore.badSecret`
 * when a value is not `0x` and pairs of digits.
 */
export async function createKeystore(path: string, passphrase: string, secrets: Secrets): Promise<void> {
  const payload = JSON.stringify(normalise(secrets));
  const salt = randomBytes(32);
  const iv = randomBytes(12);
  const cost = costFor(passphrase);
  const cipher = createCipheriv("aes-256-gcm", await derive(passphrase, salt, cost), iv);
  const ciphertext = Buffer.concat([cipher.update(payload, "utf8"), cipher.final()]);
  const document = {
    version: 3,
    id: randomUUID(),
    crypto: {
      cipher: "aes-256-gcm",
      cipherparams: { iv: iv.toString("hex"), tag: cipher.getAuthTag().toString("hex") },
      ciphertext: ciphertext.toString("hex"),
      kdf: "scrypt",
      kdfparams: { ...cost, salt: salt.toString("hex") },
    },
  };
  await writeNew(path, `${JSON.stringify(document, null, 2)}\n`);
}

/**
 * Decrypts the file at `path`.
 *
 * @throws ChainError `keystore.missing`, `keystore.openPermissions` (others can read the file), `keystore.corrupt`, or
 * `keystore.wrongPassphrase`. None holds a secret.
 */
export async function openKeystore(path: string, passphrase: string): Promise<Record<string, Hex>> {
  await checkPermissions(path);
  const file = parseFile(path, await readFile(path, "utf8"));
  const key = await derive(passphrase, Buffer.from(file.salt, "hex"), file);
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(file.iv, "hex"));
  decipher.setAuthTag(Buffer.from(file.tag, "hex"));
  let text: string;
  try {
    text = Buffer.concat([decipher.update(Buffer.from(file.ciphertext, "hex")), decipher.final()]).toString("utf8");
  } catch (cause) {
    throw new ChainError({
      code: "keystore.wrongPassphrase",
      message: `The passphrase does not open ${path}`,
      remedy: "Try the passphrase again; if it is surely right, restore the file from a backup",
      metadata: { path },
      cause,
    });
  }
  return parseSecrets(path, text);
}

function normalise(secrets: Secrets): Secrets {
  const bad = Object.keys(secrets).find((name) => !/^0x([0-9a-fA-F]{2})+$/.test(secrets[name] ?? ""));
  if (bad !== undefined) {
    throw new ChainError({
      code: "keystore.badSecret",
      message: `The secret ${bad} is not hexadecimal`,
      remedy: "Pass secrets as 0x and an even number of digits",
      metadata: { name: bad },
    });
  }
  return Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, toHex(fromHex(value))]));
}

function derive(
  passphrase: string,
  salt: Uint8Array,
  { n, r, p }: { readonly n: number; readonly r: number; readonly p: number },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize("NFKC"), salt, SCRYPT.dklen, { N: n, r, p, maxmem: SCRYPT_MAX_MEMORY }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

/** Writes beside the target and links it into place, which fails if something is there; a crash leaves no half file. */
async function writeNew(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
    await link(temporary, path);
  } catch (cause) {
    throw isExisting(cause) ? alreadyExists(path, cause) : cause;
  } finally {
    await handle.close();
    await unlink(temporary);
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

function alreadyExists(path: string, cause: unknown): ChainError {
  return new ChainError({
    code: "keystore.exists",
    message: `There is a keystore at ${path} already`,
    remedy: "Choose another path, or move the file away if its keys are no longer needed",
    metadata: { path },
    cause,
  });
}

async function checkPermissions(path: string): Promise<void> {
  const mode = await stat(path).then(
    (entry) => entry.mode & 0o777,
    (cause: unknown) => {
      throw new ChainError({
        code: "keystore.missing",
        message: `There is no readable keystore at ${path}`,
        remedy: "Create one, or correct the path",
        metadata: { path },
        cause,
      });
    },
  );
  // Windows has no such bits and reports 0666 for every file.
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new ChainError({
      code: "keystore.openPermissions",
      message: `Others than the owner can read ${path} (mode ${mode.toString(8).padStart(4, "0")})`,
      remedy: `Run chmod 600 ${path}, and replace the keys if others use this machine`,
      metadata: { path, mode },
    });
  }
}

function corrupt(path: string, reason: string, cause?: unknown): ChainError {
  return new ChainError({
    code: "keystore.corrupt",
    message: `${path} is not a keystore: ${reason}`,
    remedy: "Restore the file from a backup",
    metadata: { path, reason },
    cause,
  });
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw corrupt(path, "not JSON", cause);
  }
}

function parseFile(path: string, text: string): KeystoreFile {
  const document = members(path, parseJson(path, text), "document");
  const crypto = members(path, document.get("crypto"), "crypto");
  const cipher = members(path, crypto.get("cipherparams"), "cipherparams");
  const kdf = members(path, crypto.get("kdfparams"), "kdfparams");
  if (document.get("version") !== 3 || crypto.get("cipher") !== "aes-256-gcm" || crypto.get("kdf") !== "scrypt") {
    throw corrupt(path, "expected version 3, scrypt and aes-256-gcm");
  }
  return {
    iv: hexText(path, cipher.get("iv"), "iv", 12),
    tag: hexText(path, cipher.get("tag"), "tag", 16),
    ciphertext: hexText(path, crypto.get("ciphertext"), "ciphertext"),
    salt: hexText(path, kdf.get("salt"), "salt", 32),
    ...costOf(path, kdf),
  };
}

/** A passphrase that nobody has to remember, of 192 random bits. Keystores under it open in a millisecond. */
export function randomPassphrase(): string {
  return `random-${randomBytes(24).toString("base64url")}`;
}

function costFor(passphrase: string): typeof SCRYPT | typeof SCRYPT_FOR_RANDOM {
  return RANDOM_PASSPHRASE.test(passphrase) ? SCRYPT_FOR_RANDOM : SCRYPT;
}

/** A file may only ask for a cost that this code writes: a hostile one must not exhaust memory, or weaken a key. */
function costOf(path: string, kdf: ReadonlyMap<string, unknown>): Pick<KeystoreFile, "n" | "r" | "p"> {
  const cost = [SCRYPT, SCRYPT_FOR_RANDOM].find(
    ({ n, r, p }) => kdf.get("n") === n && kdf.get("r") === r && kdf.get("p") === p,
  );
  if (cost === undefined) {
    throw corrupt(path, `expected scrypt with n ${SCRYPT.n}, r ${SCRYPT.r}, p ${SCRYPT.p}`);
  }
  return cost;
}

function parseSecrets(path: string, text: string): Record<string, Hex> {
  const entries = [...members(path, parseJson(path, text), "payload")];
  return Object.fromEntries(
    entries.map(([name, value]): [string, Hex] => {
      const digits = typeof value === "string" && value.startsWith("0x") ? value.slice(2) : undefined;
      return [name, `0x${hexText(path, digits, name)}`];
    }),
  );
}

function members(path: string, value: unknown, name: string): ReadonlyMap<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw corrupt(path, `${name} is not an object`);
  }
  return new Map(Object.entries(value));
}

function hexText(path: string, value: unknown, name: string, length?: number): string {
  if (typeof value !== "string" || !/^([0-9a-f]{2})+$/.test(value)) {
    throw corrupt(path, `${name} is not hexadecimal`);
  }
  if (length !== undefined && value.length !== 2 * length) {
    throw corrupt(path, `${name} does not have ${length} bytes`);
  }
  return value;
}
