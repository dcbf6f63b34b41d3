import { existsSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import {
  type Anvil,
  createChain,
  createSigner,
  type Deployment,
  type DisputeTerms,
  deployContracts,
  parseDeployment,
  placeX402StandIns,
  startAnvil,
} from "@depinfer/chain";
import { errorCode, errorMessage } from "@depinfer/protocol";
import type { homePaths } from "../home.ts";
import { walletAddress } from "../identity.ts";
import { writeNetworkFile } from "../network-file.ts";

/** The chain of a local network: anvil with its state on disk and the contracts on it, started again when it dies. */
export interface LocalChain {
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  /** Gives the accounts of these services gas and test dollars. */
  fund(folders: readonly string[], passphrase: string): Promise<void>;
  stop(): Promise<void>;
}

export interface LocalChainOptions {
  readonly port: number;
  /** Fixed share of receipts that are audited, instead of the protocol's schedule. */
  readonly auditRate?: number;
  /** Over the short times of local disputes. */
  readonly disputeTerms?: Partial<DisputeTerms>;
  readonly onEvent: (text: string) => void;
}

/** Seconds; short, so that a demonstration of leaving does not take a quarter of an hour. */
export const MIN_WITHDRAW_DELAY = 60;
/** Jurors here are online and quick; what is left over is for a machine that is busy. */
export const DISPUTE_SECONDS = { commitSeconds: 60, revealSeconds: 30, appealSeconds: 15, saltSeconds: 20 };
/** Passes as short as a demonstration; a public chain gives providers days. */
export const PASS_SECONDS = { minPeriod: 60, rootWindow: 600, objectionWindow: 60, claimWindow: 3_600 };
/** Test dollars that each service gets at its first start: ten thousand, of no value. */
export const FUNDS = 10_000_000_000n;
const RESTART_MS = 200;

export async function startLocalChain(
  paths: ReturnType<typeof homePaths>,
  options: LocalChainOptions,
): Promise<LocalChain> {
  let stopping = false;
  let anvil = await start(options.port);
  const account = createSigner(anvil.key(0));
  const existing = readDeployment(paths.network);
  const deployment = await deployContracts(
    { rpcUrl: anvil.rpcUrl, account },
    {
      minWithdrawDelay: MIN_WITHDRAW_DELAY,
      disputeTerms: { ...DISPUTE_SECONDS, ...options.disputeTerms },
      passTerms: PASS_SECONDS,
      ...(existing === undefined ? {} : { existing }),
    },
  );
  await writeNetworkFile(paths.network, {
    rpcUrl: anvil.rpcUrl,
    deployment,
    bootstrapFile: paths.bootstrap,
    ...(options.auditRate === undefined ? {} : { auditRate: options.auditRate }),
  });
  watch(anvil);

  async function start(port: number): Promise<Anvil> {
    const started = await startAnvil({ home: paths.chain, port, onNotice: options.onEvent });
    // Not theirs but stand-ins: x402's contracts are on public chains only.
    await placeX402StandIns(started.rpcUrl);
    return started;
  }

  /** On the same port, since every service knows the chain by it. */
  function watch(running: Anvil): void {
    running.exited
      .then(() => restart(running.port))
      .catch((error: unknown) => options.onEvent(`the chain cannot be started again: ${errorMessage(error)}`));
  }

  async function restart(port: number): Promise<void> {
    if (stopping) {
      return;
    }
    options.onEvent("the chain stopped; starting it again from its last saved state");
    await setTimeout(RESTART_MS);
    anvil = await start(port);
    if (stopping) {
      await anvil.stop();
      return;
    }
    watch(anvil);
    options.onEvent("the chain is back");
  }

  return {
    rpcUrl: anvil.rpcUrl,
    deployment,
    async fund(folders, passphrase) {
      const chain = createChain({ rpcUrl: anvil.rpcUrl, deployment, account });
      const wallets = await Promise.all(folders.map((folder) => walletAddress(folder, passphrase)));
      for (const wallet of wallets) {
        if ((await chain.gasBalance(wallet)) === 0n) {
          await anvil.fund(wallet);
          await chain.usd.mint(wallet, FUNDS);
        }
      }
    },
    async stop() {
      stopping = true;
      await anvil.stop();
    },
  };
}

export function readDeployment(path: string): Deployment | undefined {
  if (!existsSync(path)) {
    return undefined;
  }
  const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (parsed === null || typeof parsed !== "object" || !("deployment" in parsed)) {
    return undefined;
  }
  try {
    return parseDeployment(parsed.deployment);
  } catch (error) {
    if (errorCode(error) === "chain.badDeployment") {
      // Made by a version with other contracts: a local network gets new ones.
      return undefined;
    }
    throw error;
  }
}
