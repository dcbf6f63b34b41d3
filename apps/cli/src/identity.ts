import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createKeystore, createSigner, openKeystore, type Signer } from "@depinfer/chain";
import { DepinferError, fromHex, type Hex, toHex } from "@depinfer/protocol";

/** The keys of one service. None of them ever leaves its process. */
export interface Identity {
  /** Seed of the node key (Ed25519), 32 bytes. */
  readonly nodeSeed: Uint8Array;
  /** Pays gas, holds deposits, is paid. */
  readonly wallet: Signer;
  /** Signs receipts (provider, validator) or vouchers (gateway). */
  readonly signer: Signer;
}

/** Opens the keystore in a service's folder; makes it with fresh keys the first time. */
export async function openIdentity(folder: string, passphrase: string): Promise<Identity> {
  const path = join(folder, "keystore.json");
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await createKeystore(path, passphrase, { node: random32(), wallet: random32(), signer: random32() });
  }
  const secrets = await openKeystore(path, passphrase);
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
  return {
    nodeSeed: fromHex(secret("node"), 32),
    wallet: createSigner(secret("wallet")),
    signer: createSigner(secret("signer")),
  };
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
    writeFileSync(path, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 });
  }
  return readFileSync(path, "utf8").trim();
}
