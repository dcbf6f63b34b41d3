import { createPrivateKey, createPublicKey, hkdfSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createKeystore, createSigner, openKeystore, randomPassphrase, type Signer } from "@depinfer/chain";
import { addressSchema, DepinferError, fromHex, type Hex, toHex } from "@depinfer/protocol";

/** The keys of one service. None of them ever leaves its process. */
export interface Identity {
  /** Seed of the node key (Ed25519), 32 bytes. */
  readonly nodeSeed: Uint8Array;
  /** Pays gas, holds deposits, is paid. */
  readonly wallet: Signer;
  /** Signs receipts (provider, validator) or vouchers (gateway). */
  readonly signer: Signer;
  /** X25519 pair to which transcripts for this service are sealed. */
  readonly sealingKey: { readonly publicKey: Hex; readonly secretKey: Uint8Array };
}

/** Opens the keystore in a service's folder; makes it with fresh keys the first time. */
export async function openIdentity(folder: string, passphrase: string): Promise<Identity> {
  const path = keystorePath(folder);
  const secrets = existsSync(path) ? await openKeystore(path, passphrase) : await makeKeys(folder, passphrase);
  const secret = (name: string): Hex => {
    const value = secrets[name];
    if (value === undefined) {
      throw new DepinferError({
        code: "keystore.incomplete",
        message: `The keystore ${path} has no key "${name}"`,
        remedy: "Restore the keystore from a backup, or move it away to start with new keys",
        metadata: { path, name },
      });
    }
    return value;
  };
  const nodeSeed = fromHex(secret("node"), 32);
  return {
    nodeSeed,
    sealingKey: sealingKeyFrom(nodeSeed),
    wallet: createSigner(secret("wallet")),
    signer: createSigner(secret("signer")),
  };
}

/** Derived from the node's seed, so that keystores made before there was one have it too. RFC 5869, RFC 7748. */
function sealingKeyFrom(nodeSeed: Uint8Array): Identity["sealingKey"] {
  const secretKey = new Uint8Array(hkdfSync("sha256", nodeSeed, "", "depinfer/sealing-key/1", 32));
  const key = createPrivateKey({
    key: Buffer.concat([X25519_PKCS8_PREFIX, secretKey]),
    format: "der",
    type: "pkcs8",
  });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return { secretKey, publicKey: toHex(spki.subarray(-32)) };
}

/** What stands before the 32 bytes of an X25519 secret in PKCS #8 (RFC 8410). */
const X25519_PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");

/** The wallet's account of a service, without its keys where it was opened before: unlocking takes a third of a second. */
export async function walletAddress(folder: string, passphrase: string): Promise<Hex> {
  const path = accountPath(folder);
  if (existsSync(path) && existsSync(keystorePath(folder))) {
    return addressSchema.parse(readFileSync(path, "utf8").trim());
  }
  return (await openIdentity(folder, passphrase)).wallet.address;
}

function keystorePath(folder: string): string {
  return join(folder, "keystore.json");
}

/** The account in plain, for those who only want to look or to pay. */
function accountPath(folder: string): string {
  return join(folder, "account");
}

async function makeKeys(folder: string, passphrase: string): Promise<Readonly<Record<string, Hex>>> {
  const secrets = { node: random32(), wallet: random32(), signer: random32() };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await createKeystore(keystorePath(folder), passphrase, secrets);
  writeFileSync(accountPath(folder), `${createSigner(secrets.wallet).address}\n`);
  return secrets;
}

function random32(): Hex {
  return toHex(randomBytes(32));
}

/** The passphrase of a network's keystores: DEPINFER_PASSPHRASE, or the file, which is made when `create` is set. */
export function readPassphrase(path: string, { create = false } = {}): string {
  const given = process.env.DEPINFER_PASSPHRASE;
  if (given !== undefined && given !== "") {
    return given;
  }
  if (!existsSync(path)) {
    if (!create) {
      throw new DepinferError({
        code: "keystore.noPassphrase",
        message: `No passphrase is set and there is no file ${path}`,
        remedy: "Set DEPINFER_PASSPHRASE, or pass --passphrase-file",
        metadata: { path },
      });
    }
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, `${randomPassphrase()}\n`, { mode: 0o600 });
  }
  return readFileSync(path, "utf8").trim();
}
