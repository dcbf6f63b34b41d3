import { chmod, readFile, writeFile } from "node:fs/promises";
import { type Hex, toHex } from "@depinfer/protocol";
import { english, generateMnemonic, mnemonicToAccount } from "viem/accounts";
import { ChainError } from "./errors.ts";

/** The mnemonic in the file at `path`; made on the first call, mode 0600. */
export async function loadMnemonic(path: string): Promise<string> {
  try {
    await writeFile(path, `${generateMnemonic(english)}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) {
      throw error;
    }
  }
  await chmod(path, 0o600);
  const mnemonic = (await readFile(path, "utf8")).trim();
  if (!/^([a-z]+ ){11,23}[a-z]+$/.test(mnemonic)) {
    throw new ChainError({
      code: "anvil.badMnemonic",
      message: `There is no mnemonic of 12 to 24 words in ${path}`,
      remedy: "Restore the file; or, to begin with an empty chain, delete the folder it is in",
      metadata: { path },
    });
  }
  return mnemonic;
}

/** Private key of the account at `m/44'/60'/0'/0/index`. */
export function mnemonicKey(mnemonic: string, index: number): Hex {
  const key = mnemonicToAccount(mnemonic, { addressIndex: index }).getHdKey().privateKey;
  if (key === null) {
    throw new RangeError(`no private key at index ${index}`);
  }
  return toHex(key);
}
