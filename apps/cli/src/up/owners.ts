import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Deployment } from "@depinfer/chain";
import type { Hex } from "@depinfer/protocol";
import { openIdentity, walletAddress } from "../identity.ts";
import { readOwnership, signOwnership, writeOwnership } from "../ownership-file.ts";

/**
 * Gives each provider the word of its owner, owners in turn. What an earlier run signed for the same contracts is kept,
 * since unlocking an owner's key takes a third of a second.
 *
 * @param providers and owners are folders of keystores.
 * @returns for each provider the file to show; none without owners.
 */
export async function declareOwners(
  providers: readonly string[],
  owners: readonly string[],
  deployment: Deployment,
  passphrase: string,
): Promise<readonly string[]> {
  if (owners.length === 0) {
    return [];
  }
  const files: string[] = [];
  for (const [index, folder] of providers.entries()) {
    const owner = owners[index % owners.length] ?? folder;
    const [operator, account] = [await walletAddress(folder, passphrase), await walletAddress(owner, passphrase)];
    const path = join(folder, "ownership.json");
    if (!holds(path, operator, account, deployment)) {
      const { wallet } = await openIdentity(owner, passphrase);
      await writeOwnership(path, signOwnership(wallet, operator, deployment));
    }
    files.push(path);
  }
  return files;
}

function holds(path: string, operator: Hex, owner: Hex, deployment: Deployment): boolean {
  try {
    return existsSync(path) && readOwnership(path, operator, deployment).owner === owner;
  } catch {
    // Of other contracts, or damaged: it is signed again.
    return false;
  }
}
