import { existsSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { createChain, LOCAL_CHAIN_ID } from "@depinfer/chain";
import type { RouteTable } from "@depinfer/gateway/http";
import type { CpuLibrary } from "@depinfer/inference";
import { DepinferError, type Log } from "@depinfer/protocol";
import { CONSOLE_VERIFY_PATH, type ConsoleConfig } from "@depinfer/protocol/api";
import { createAppFiles } from "../console/app-files.ts";
import { createConsole } from "../console/console-server.ts";
import { isLocalUrl } from "../console/guard.ts";
import { moneyRoute } from "../console/money-route.ts";
import { proofRoutes } from "../console/proof-routes.ts";
import { createEngineKeeper } from "../console/verify/engine-keeper.ts";
import { createWorkQueue } from "../console/verify/queue.ts";
import { verifyRoute } from "../console/verify/verify-route.ts";
import { createTestWallet, type TestWallet } from "../console/wallet/test-wallet.ts";
import { walletRoute } from "../console/wallet/wallet-route.ts";
import { type Access, readAccess } from "../gateway-client.ts";
import { homePaths } from "../home.ts";
import { openIdentity, readPassphrase } from "../identity.ts";
import { type NetworkFile, readNetworkFile } from "../network-file.ts";
import type { RunningService } from "./lifecycle.ts";

export interface DashboardServiceOptions {
  /** Folder with the services of this machine; their money is shown. */
  readonly home: string;
  readonly networkFile: string;
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  /** Where the servers are, instead of what the network of this home says. */
  readonly gatewayUrl?: string;
  readonly indexerUrl?: string;
  readonly rpcUrl?: string;
  /** File with a key of the gateway, for browsers on this machine. */
  readonly apiKeyFile?: string;
  /** Weights to verify with; the embedded test model by default. */
  readonly model?: string;
  readonly cpuLibrary: CpuLibrary;
  /** TEST ONLY: sign for the page with the account `visitor` of this home. */
  readonly testWallet: boolean;
}

/** A build goes on after it; until its end the page says so. */
const BUILD_MS = 40_000;
/** Verifications that may wait for the one at work. */
const MOST_WAITING = 8;

export async function startDashboard(options: DashboardServiceOptions, log: Log): Promise<RunningService> {
  const network = existsSync(options.networkFile) ? readNetworkFile(options.networkFile) : null;
  const config = configOf(options, network);
  const wallet = options.testWallet ? await openTestWallet(options, network, log) : null;
  const engines = createEngineKeeper(log);
  const routes = [
    walletRoute(wallet, log),
    proofRoutes(options.networkFile, log),
    ...(network === null
      ? [withoutNetwork(options.networkFile)]
      : [
          moneyRoute(createChain(network), options.home),
          verifyRoute(
            { engines, queue: createWorkQueue(MOST_WAITING), log },
            {
              networkFile: options.networkFile,
              cpuLibrary: options.cpuLibrary,
              ...(options.model === undefined ? {} : { model: options.model }),
            },
          ),
        ]),
  ];
  const files = createAppFiles(log);
  const server = createConsole(
    { files, routes, log },
    { host: options.host, port: options.port, allowedHosts: options.allowedHosts, config },
  );
  await server.start().catch((cause: unknown) => {
    throw portBusy(options, cause);
  });
  await Promise.race([files.settled, setTimeout(BUILD_MS, undefined, { ref: false })]);
  return {
    info: { url: `http://${options.host}:${server.port}` },
    control: {},
    async stop() {
      files.stop();
      await server.stop();
      await engines.stop();
    },
  };
}

/** What cannot be answered where nobody knows of a network. */
function withoutNetwork(networkFile: string): RouteTable {
  const refuse = () => {
    throw new DepinferError({
      code: "console.noNetwork",
      message: `This console knows no network: there is no file ${networkFile}`,
      remedy: "Start it again when there is one, or with --network and the file of the network",
    });
  };
  return { "/api/money": { GET: refuse }, [CONSOLE_VERIFY_PATH]: { POST: refuse } };
}

/** @throws DepinferError `dashboard.noTestWallet` for a chain that others use too. */
async function openTestWallet(
  { home }: DashboardServiceOptions,
  network: NetworkFile | null,
  log: Log,
): Promise<TestWallet> {
  if (network?.deployment.chainId !== LOCAL_CHAIN_ID) {
    throw new DepinferError({
      code: "dashboard.noTestWallet",
      message: `The test wallet signs for whoever opens the page, and ${network === null ? "there is no network here" : `chain ${network.deployment.chainId} is not one of this machine alone`}`,
      remedy: "Leave --test-wallet out and connect a wallet in the browser",
    });
  }
  const paths = homePaths(home);
  const { wallet } = await openIdentity(paths.service("visitor"), readPassphrase(paths.passphrase));
  return createTestWallet({ ...network, account: wallet, log });
}

/** What the page is told, from flags and from what `depinfer up` left in the home. */
function configOf(options: DashboardServiceOptions, network: NetworkFile | null): ConsoleConfig {
  const access = existsSync(homePaths(options.home).access) ? readAccess(options.home) : null;
  const gatewayUrl = options.gatewayUrl ?? access?.url ?? null;
  const rpcUrl = options.rpcUrl ?? network?.rpcUrl ?? null;
  return {
    gatewayUrl,
    indexerUrl: options.indexerUrl ?? access?.indexerUrl ?? null,
    rpcUrl,
    chainId: network?.deployment.chainId ?? null,
    contracts: network?.deployment.addresses ?? null,
    local: gatewayUrl !== null && isLocalUrl(gatewayUrl),
    apiKey: keyOf(options, access, gatewayUrl),
    console: true,
    // `up` deploys the test dollar, on whatever chain; others' networks say nothing of their token.
    testMoney: access !== null || options.testWallet,
    testWallet: options.testWallet,
  };
}

function keyOf({ apiKeyFile }: DashboardServiceOptions, access: Access | null, gatewayUrl: string | null) {
  if (apiKeyFile === undefined) {
    return access !== null && access.url === gatewayUrl ? access.apiKey : null;
  }
  if (!existsSync(apiKeyFile)) {
    throw new DepinferError({
      code: "dashboard.noKeyFile",
      message: `The file ${apiKeyFile} does not exist`,
      remedy: "Pass --api-key-file with a file that holds a key of the gateway, or leave it out",
      metadata: { path: apiKeyFile },
    });
  }
  return readFileSync(apiKeyFile, "utf8").trim();
}

function portBusy({ host, port }: DashboardServiceOptions, cause: unknown): DepinferError {
  return new DepinferError({
    code: "dashboard.portBusy",
    message: `Port ${port} on ${host} cannot be listened on`,
    remedy: "Choose another one with --port, or stop what is using it",
    metadata: { port },
    cause,
  });
}
