import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Chain, createChain, type Signer } from "@depinfer/chain";
import { DepinferError, type Hex } from "@depinfer/protocol";
import { homePaths } from "../home.ts";
import { openIdentity, readPassphrase, walletAddress } from "../identity.ts";
import { readNetworkFile } from "../network-file.ts";

/** A service of this home and the account of its wallet. */
export interface Wallet {
  /** Name of its folder: `gateway`, `provider-1`, … */
  readonly service: string;
  readonly folder: string;
  readonly account: Hex;
}

/** Where a command looks for keys, contracts and passphrase. */
export interface MoneyHome {
  readonly home: string;
  /** Network file elsewhere than in the home. */
  readonly networkFile?: string;
  /** RPC endpoint instead of the network file's. */
  readonly rpcUrl?: string;
}

/** Every service of `home` that has a keystore, by name. @throws DepinferError `wallet.none`. */
export async function walletsOf(home: string): Promise<readonly Wallet[]> {
  const names = existsSync(home)
    ? readdirSync(home).filter((name) => existsSync(join(home, name, "keystore.json")))
    : [];
  if (names.length === 0) {
    throw new DepinferError({
      code: "wallet.none",
      message: `There is no service with a keystore in ${home}`,
      remedy: "Start a network with `npm start`, or pass --home with the folder that holds the services",
      metadata: { home },
    });
  }
  const passphrase = passphraseOf(home);
  return Promise.all(
    names.sort().map(async (service) => {
      const folder = join(home, service);
      return { service, folder, account: await walletAddress(folder, passphrase) };
    }),
  );
}

/** The wallets whose service is called `name`, or whose name begins with it (`provider` means all). @throws `wallet.unknown`. */
export async function chooseWallets(home: string, name: string | undefined): Promise<readonly Wallet[]> {
  const wallets = await walletsOf(home);
  const chosen = name === undefined ? wallets : wallets.filter(({ service }) => matches(service, name));
  if (chosen.length === 0) {
    throw new DepinferError({
      code: "wallet.unknown",
      message: `No service in ${home} is called ${JSON.stringify(name)}`,
      remedy: `Pass --service with one of ${wallets.map(({ service }) => service).join(", ")}`,
      metadata: { service: name ?? "" },
    });
  }
  return chosen;
}

function matches(service: string, name: string): boolean {
  return service === name || service.startsWith(`${name}-`);
}

/** A chain that only reads. */
export function readOnlyChain({ home, networkFile, rpcUrl }: MoneyHome): Chain {
  return createChain(
    connection({
      home,
      ...(networkFile === undefined ? {} : { networkFile }),
      ...(rpcUrl === undefined ? {} : { rpcUrl }),
    }),
  );
}

/** What a wallet's commands write through. */
export interface Purse extends Wallet {
  readonly signer: Signer;
  readonly chain: Chain;
  /** Estimates instead of sending. */
  readonly preview: Chain;
}

/** Unlocks a wallet. */
export async function openPurse(place: MoneyHome, wallet: Wallet): Promise<Purse> {
  const { wallet: signer } = await openIdentity(wallet.folder, passphraseOf(place.home));
  const modules = { ...connection(place), account: signer };
  return { ...wallet, signer, chain: createChain(modules), preview: createChain(modules, { previewOnly: true }) };
}

function connection({ home, networkFile, rpcUrl }: MoneyHome) {
  const network = readNetworkFile(networkFile ?? homePaths(home).network);
  return { deployment: network.deployment, rpcUrl: rpcUrl ?? network.rpcUrl };
}

function passphraseOf(home: string): string {
  return readPassphrase(homePaths(home).passphrase);
}
