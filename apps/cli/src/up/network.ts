import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DisputeTerms } from "@depinfer/chain";
import type { AdversaryKind } from "@depinfer/node";
import { DepinferError } from "@depinfer/protocol";
import { createClient, type GatewayClient } from "../gateway-client.ts";
import { homePaths } from "../home.ts";
import { readPassphrase } from "../identity.ts";
import { writeWhole } from "../network-file.ts";
import { freePort } from "./free-port.ts";
import { startLocalChain } from "./local-chain.ts";
import { takeLock } from "./lock.ts";
import { declareOwners } from "./owners.ts";
import { joinRemoteChain } from "./remote-chain.ts";
import { offerSamplePass } from "./sample-pass.ts";
import type { Steps } from "./steps.ts";
import { createSupervisor, type ServiceInfo, type Supervisor } from "./supervisor.ts";

export interface NetworkOptions {
  readonly home: string;
  readonly port: number;
  readonly providers: number;
  readonly validators: number;
  /** Gateways that share `databaseUrl`; one without it. */
  readonly gateways?: number;
  /** PostgreSQL of the gateways. */
  readonly databaseUrl?: string;
  readonly model?: string;
  readonly upstream?: string;
  /** Owners that the providers are divided among in turn, each declared by their signature; nobody is declared for 0. */
  readonly owners?: number;
  /** Per cent below the base price that providers post; fixed prices when left out. */
  readonly discount?: number;
  /** Seconds between two steps of the base price. */
  readonly basePriceSeconds?: number;
  /** Makes the last providers test adversaries, one in each of these ways. */
  readonly adversaries: readonly AdversaryKind[];
  readonly epochSeconds: number;
  /** Fixed share of receipts that are audited, instead of the protocol's schedule. */
  readonly auditRate?: number;
  /** Canaries of each validator in an hour, on average; none when left out. */
  readonly canariesPerHour?: number;
  /** TEST ONLY: the first validators vote `pass` in juries without looking. */
  readonly lazyValidators?: number;
  readonly disputeTerms?: Partial<DisputeTerms>;
  /** Use the chain at this endpoint instead of one of its own. */
  readonly rpcUrl?: string;
  /** File with the private key that deploys and funds there. */
  readonly keyFile?: string;
  /** Serve the dashboard too, with a wallet to try it where the chain is this network's own. */
  readonly dashboard?: boolean;
}

/** A whole network on this machine. */
export interface LocalNetwork {
  readonly url: string;
  readonly apiKey: string;
  /** The owner's API and metrics of the gateway, and the file with the token that they want. */
  readonly adminUrl: string;
  readonly adminTokenFile: string;
  readonly indexerUrl: string;
  /** Null where none was asked for. */
  readonly dashboardUrl: string | null;
  readonly rpcUrl: string;
  readonly gateway: GatewayClient;
  readonly supervisor: Supervisor;
  /** Folder of each provider, in order. */
  readonly providers: readonly string[];
  /** Resolves when validators and indexer are up too; buying does not need them. */
  readonly complete: Promise<void>;
  /** Gives accounts of further services gas and test dollars. */
  fund(names: readonly string[]): Promise<void>;
  /** Funds and starts further validators of the embedded model's class. */
  addValidators(names: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";
const FIRST_P2P_PORT = 4_101;
const CHAIN_PORT = 8_545;
const INDEXER_PORT_OFFSET = 1;
const DASHBOARD_PORT_OFFSET = 2;
const LOCAL_BASE_PRICE_SECONDS = 60;
/** One machine has one engine and one gateway; what is left can be spread even here. */
const LOCAL_INDEX = [
  ...["--set-aside", "engines", "gateways"],
  ...["--set-aside-because", "A local network runs on one machine, with one engine and one gateway"],
];

/** Starts chain, contracts, keys, providers, gateway, validators and indexer, in the order in which they need each other. */
export async function startNetwork(options: NetworkOptions, steps: Steps): Promise<LocalNetwork> {
  const paths = homePaths(options.home);
  if ((options.gateways ?? 1) > 1 && options.databaseUrl === undefined) {
    throw new DepinferError({
      code: "up.noDatabase",
      message: `${options.gateways} gateways need a database that they share`,
      remedy: "Pass --database-url with a PostgreSQL, or start one gateway",
    });
  }
  const unlock = takeLock(paths.lock);
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) {
      await end();
    }
    unlock();
  };
  try {
    const chain = await steps.run("Starting the chain and its contracts", async (note) => {
      const shared = {
        ...(options.auditRate === undefined ? {} : { auditRate: options.auditRate }),
        ...(options.disputeTerms === undefined ? {} : { disputeTerms: options.disputeTerms }),
      };
      const local =
        options.rpcUrl === undefined
          ? await startLocalChain(paths, { port: CHAIN_PORT, onEvent: steps.notice, ...shared })
          : await joinRemoteChain(paths, { rpcUrl: options.rpcUrl, keyFile: options.keyFile, ...shared });
      stops.push(local.stop);
      note(local.rpcUrl);
      return local;
    });
    const names = serviceNames(options);
    const passphrase = readPassphrase(paths.passphrase, { create: true });
    const owners = Array.from({ length: options.owners ?? 0 }, (_, index) => paths.service(`owner-${index + 1}`));
    const ownerships = await steps.run("Opening keys and funding test wallets", async () => {
      await chain.fund([...names.providers, ...names.validators, names.gateway].map(paths.service), passphrase);
      return declareOwners(names.providers.map(paths.service), owners, chain.deployment, passphrase);
    });

    const addresses = new Map<string, readonly string[]>();
    writeFileSync(paths.bootstrap, "");
    const supervisor = createSupervisor({
      logs: paths.logs,
      onEvent: steps.notice,
      onReady(name, info) {
        addresses.set(name, addressesOf(info));
        writeFileSync(paths.bootstrap, `${[...addresses.values()].flat().join("\n")}\n`);
      },
    });
    stops.push(() => supervisor.stop());

    const port = await freePort(LOOPBACK, options.port);
    if (options.port !== 0 && port !== options.port) {
      steps.notice(`port ${options.port} is busy, the gateway takes ${port}`);
    }
    const beside = async (offset: number, who: string) => {
      const found = await freePort(LOOPBACK, port + offset);
      if (options.port !== 0 && found !== port + offset) {
        steps.notice(`port ${port + offset} is busy, the ${who} takes ${found}`);
      }
      return found;
    };
    // An hour is too long to wait for whoever tries it.
    const basePrice = ["--base-price-seconds", String(options.basePriceSeconds ?? LOCAL_BASE_PRICE_SECONDS)];
    const shared = ["--network", paths.network, "--passphrase-file", paths.passphrase];
    const p2p = await p2pPorts(
      names.providers.length + names.validators.length + names.otherGateways.length + 2,
      options.port === 0,
    );
    const nextPort = () => String(p2p.shift() ?? 0);
    const start = (name: string, command: string, ...args: string[]) =>
      supervisor.start({
        name,
        args: [command, "--home", paths.service(name), ...shared, "--p2p-port", nextPort(), ...args],
      });

    /** Finds its port as late as can be, since nothing keeps others from a port that is only chosen. */
    async function placeIndexer() {
      const onPort = String(await beside(INDEXER_PORT_OFFSET, "indexer"));
      return {
        indexerUrl: `http://${LOOPBACK}:${onPort}`,
        start: () => start(names.indexer, "indexer", "--port", onPort, ...LOCAL_INDEX, ...basePrice),
      };
    }
    const followed =
      options.discount === undefined
        ? null
        : await steps.run("Starting the indexer, whose base price the providers follow", async () => {
            const indexer = await placeIndexer();
            await indexer.start();
            return indexer;
          });

    const model = options.model === undefined ? [] : ["--model", options.model];
    const { url, adminUrl } = await steps.run(
      `Starting ${options.providers} providers and the gateway`,
      async (note) => {
        const group =
          options.databaseUrl === undefined
            ? []
            : ["--database-url", options.databaseUrl, "--keys-from", paths.service(names.gateway)];
        const owner = ["--admin-port", "0"];
        const gateway = start(names.gateway, "gateway", "--port", String(port), ...owner, ...group);
        const others = names.otherGateways.map((name) => start(name, "gateway", "--port", "0", ...owner, ...group));
        const providers = names.providers.map((name, index) => {
          const kind = options.adversaries[index - (names.providers.length - options.adversaries.length)];
          const adversary = kind === undefined ? [] : ["--adversary", kind];
          const engine = options.upstream === undefined ? model : ["--upstream", options.upstream];
          const owned = ownerships[index];
          const ownership = owned === undefined ? [] : ["--ownership", owned];
          const discount =
            followed === null
              ? []
              : ["--discount", String(options.discount), "--indexer-url", followed.indexerUrl, ...basePrice];
          return start(
            name,
            "node",
            ...engine,
            ...ownership,
            ...discount,
            "--epoch-seconds",
            String(options.epochSeconds),
            ...adversary,
          );
        });
        const [info] = await Promise.all([gateway, ...providers, ...others]);
        note(`${options.providers} providers online`);
        return { url: String(info.url), adminUrl: String(info.adminUrl) };
      },
    );
    const apiKey = readFileSync(join(paths.service(names.gateway), "api-key"), "utf8").trim();
    const gateway = createClient({ url, apiKey });
    await steps.run("Waiting for the first offer", () => gateway.waitForOffers(1));

    const indexer = followed ?? (await placeIndexer());
    const { indexerUrl } = indexer;
    const dashboardPort = options.dashboard === true ? await beside(DASHBOARD_PORT_OFFSET, "dashboard") : null;
    const dashboardUrl = dashboardPort === null ? null : `http://${LOOPBACK}:${dashboardPort}`;
    const canaries = ["--canaries-per-hour", String(options.canariesPerHour ?? 0)];
    const others = [...(followed === null ? ["indexer"] : []), ...(dashboardPort === null ? [] : ["dashboard"])];
    const title = [`${options.validators} validators`, ...others.map((one) => `the ${one}`)].join(", ");
    const complete = steps.run(`Starting ${title}`, async () => {
      await Promise.all([
        ...(dashboardPort === null ? [] : [startDashboard(dashboardPort)]),
        ...(followed === null ? [indexer.start()] : []),
        ...names.validators.map((name, index) =>
          start(name, "validator", ...model, ...canaries, ...(index < (options.lazyValidators ?? 0) ? ["--lazy"] : [])),
        ),
        offerSamplePass(chain, paths.service(names.gateway), passphrase),
      ]);
    });

    async function startDashboard(onPort: number): Promise<void> {
      const own = options.rpcUrl === undefined;
      if (own) {
        await chain.fund([paths.service(names.visitor)], passphrase);
      }
      await supervisor.start({
        name: names.dashboard,
        args: [
          ...["dashboard", "--home", options.home, "--port", String(onPort)],
          ...["--gateway-url", url, "--indexer-url", indexerUrl, "--rpc-url", chain.rpcUrl],
          ...["--api-key-file", join(paths.service(names.gateway), "api-key")],
          ...model,
          ...(own ? ["--test-wallet"] : []),
        ],
      });
    }

    // Whoever waits for `complete` gets the error; a network that is stopped earlier does not crash by it.
    complete.catch(() => undefined);
    await writeWhole(
      paths.access,
      `${JSON.stringify({ url, apiKey, adminUrl, indexerUrl, dashboardUrl, rpcUrl: chain.rpcUrl }, null, 2)}\n`,
    );
    return {
      url,
      apiKey,
      adminUrl,
      adminTokenFile: join(paths.service(names.gateway), "admin-token"),
      indexerUrl,
      dashboardUrl,
      rpcUrl: chain.rpcUrl,
      gateway,
      supervisor,
      providers: names.providers.map(paths.service),
      complete,
      fund: (more) => chain.fund(more.map(paths.service), passphrase),
      async addValidators(more) {
        await chain.fund(more.map(paths.service), passphrase);
        await Promise.all(more.map((name) => start(name, "validator", ...model)));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serviceNames({ providers, validators, gateways = 1 }: NetworkOptions) {
  return {
    providers: Array.from({ length: providers }, (_, index) => `provider-${index + 1}`),
    validators: Array.from({ length: validators }, (_, index) => `validator-${index + 1}`),
    gateway: "gateway",
    otherGateways: Array.from({ length: gateways - 1 }, (_, index) => `gateway-${index + 2}`),
    indexer: "indexer",
    dashboard: "dashboard",
    /** Whoever tries the dashboard: a wallet, and no service. */
    visitor: "visitor",
  };
}

/**
 * Ports that a restarted service takes again, so that its peers find it where it was. Who wants any port for the gateway
 * gets any for the others too: several such networks may start at the same moment.
 */
async function p2pPorts(count: number, any: boolean): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => freePort(LOOPBACK, any ? 0 : FIRST_P2P_PORT + index)));
}

function addressesOf(info: ServiceInfo): readonly string[] {
  return Array.isArray(info.addresses) ? info.addresses.map(String) : [];
}
