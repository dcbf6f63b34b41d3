import { existsSync, readFileSync } from "node:fs";
import {
  type Chain,
  createChain,
  createSigner,
  type DisputeTerms,
  deployContracts,
  type Signer,
} from "@depinfer/chain";
import { DepinferError, type Hex } from "@depinfer/protocol";
import type { homePaths } from "../home.ts";
import { walletAddress } from "../identity.ts";
import { writeNetworkFile } from "../network-file.ts";
import {
  DISPUTE_SECONDS,
  FUNDS,
  type LocalChain,
  MIN_WITHDRAW_DELAY,
  PASS_SECONDS,
  readDeployment,
} from "./local-chain.ts";

export interface RemoteChainOptions {
  readonly rpcUrl: string;
  /** File with the private key that deploys and funds. */
  readonly keyFile: string | undefined;
  readonly auditRate?: number;
  readonly disputeTerms?: Partial<DisputeTerms>;
}

/** Gas that each service's wallet gets, at twice the price of the day: enough for hours of a test network. */
const GAS_PER_SERVICE = 30_000_000n;

/**
 * The contracts of a test network on a chain that somebody else runs, known by its endpoint alone. The token is the test
 * token, made by the same key; real money is never touched, only the key's gas.
 *
 * @throws DepinferError `deploy.badKey`, `deploy.noGas`, `chain.*`.
 */
export async function joinRemoteChain(
  paths: ReturnType<typeof homePaths>,
  { rpcUrl, keyFile, auditRate, disputeTerms }: RemoteChainOptions,
): Promise<LocalChain> {
  const account = createSigner(readKey(keyFile));
  const existing = readDeployment(paths.network);
  const deployment = await deployContracts(
    { rpcUrl, account },
    {
      minWithdrawDelay: MIN_WITHDRAW_DELAY,
      disputeTerms: { ...DISPUTE_SECONDS, ...disputeTerms },
      passTerms: PASS_SECONDS,
      ...(existing === undefined ? {} : { existing }),
    },
  );
  await writeNetworkFile(paths.network, {
    rpcUrl,
    deployment,
    bootstrapFile: paths.bootstrap,
    ...(auditRate === undefined ? {} : { auditRate }),
  });
  const chain = createChain({ rpcUrl, deployment, account });
  return {
    rpcUrl,
    deployment,
    async fund(folders, passphrase) {
      const wallets = await Promise.all(folders.map((folder) => walletAddress(folder, passphrase)));
      const empty: Hex[] = [];
      for (const wallet of wallets) {
        if ((await chain.gasBalance(wallet)) === 0n) {
          empty.push(wallet);
        }
      }
      const wei = 2n * GAS_PER_SERVICE * (await chain.gasPrice());
      await requireGas(chain, account, wei * BigInt(empty.length));
      // All at once: a block may take seconds, and the account's transactions stand in line by their nonces.
      await Promise.all(empty.flatMap((wallet) => [chain.sendGas(wallet, wei), chain.usd.mint(wallet, FUNDS)]));
    },
    async stop() {
      // It is not ours to stop.
    },
  };
}

/** @throws DepinferError `deploy.badKey`. The message never holds the key. */
export function readKey(path: string | undefined): Hex {
  const text = path !== undefined && existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  const digits = /^(?:0x)?([0-9a-fA-F]{64})$/.exec(text)?.[1];
  if (digits === undefined) {
    throw new DepinferError({
      code: "deploy.badKey",
      message:
        path === undefined
          ? "A chain given by --rpc-url needs a key to deploy and to fund with"
          : `The file ${path} ${existsSync(path) ? "holds no private key" : "does not exist"}`,
      remedy: "Pass --key-file with a file that holds 0x and 64 hexadecimal digits, readable by you alone",
      metadata: { path: path ?? "" },
    });
  }
  return `0x${digits.toLowerCase()}`;
}

async function requireGas(chain: Chain, { address }: Signer, wei: bigint): Promise<void> {
  const balance = await chain.gasBalance(address);
  if (balance < wei) {
    throw new DepinferError({
      code: "deploy.noGas",
      message: `The account ${address} holds ${balance} wei and the services need ${wei} for gas`,
      remedy: "Send it the difference, or start fewer providers and validators",
      metadata: { address, balance: balance.toString(), needed: wei.toString() },
    });
  }
}
