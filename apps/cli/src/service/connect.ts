import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Chain, createChain, type WriterOptions } from "@depinfer/chain";
import { createOutbox, OUTBOX_MIGRATIONS, openJournal } from "@depinfer/journal";
import { createHost, type Host, type HostOptions } from "@depinfer/network";
import type { Log } from "@depinfer/protocol";
import { type Identity, openIdentity, readPassphrase } from "../identity.ts";
import { type NetworkFile, readNetworkFile } from "../network-file.ts";

/** Flags that every service has. */
export interface ServiceOptions {
  /** Folder of the service: keystore and journal. */
  readonly home: string;
  readonly networkFile: string;
  readonly passphraseFile: string;
  /** Folder of the keystore where it is not this service's own: gateways of a group have one wallet. */
  readonly keysFolder?: string;
  /** Port for QUIC and TCP; 0 takes a free one. */
  readonly p2pPort: number;
  /** Interface for it; the loopback one by default. */
  readonly p2pHost?: string;
  /** Add this service's addresses to the network's bootstrap list, for services on other machines or in containers. */
  readonly announce?: boolean;
}

/** A service's identity, connected to the chain and ready to meet the network. */
export interface Connected {
  readonly identity: Identity;
  readonly network: NetworkFile;
  readonly chain: Chain;
  /** A node of this service, or with another seed one beside it, on ports of its own. */
  createHost(options: Pick<HostOptions, "role" | "nonceHeadFor"> & Partial<Pick<HostOptions, "seed">>): Promise<Host>;
}

/** @throws DepinferError `network.badFile`, `keystore.*`, `chain.unreachable` or `chain.wrongChain`. */
export async function connect(
  options: ServiceOptions,
  log: Log,
  writing: Pick<WriterOptions, "lock"> = {},
): Promise<Connected> {
  const network = readNetworkFile(options.networkFile);
  const identity = await openIdentity(options.keysFolder ?? options.home, readPassphrase(options.passphraseFile));
  // What the wallet announced and nobody saw mined is found again after a crash. Closed by the end of the process.
  const outbox = createOutbox(
    openJournal({ path: join(options.home, "outbox.sqlite"), parts: { outbox: OUTBOX_MIGRATIONS } }),
  );
  const chain = createChain(
    { rpcUrl: network.rpcUrl, deployment: network.deployment, account: identity.wallet },
    { ...writing, outbox },
  );
  await chain.check();
  const p2pHost = options.p2pHost ?? LOOPBACK;
  return {
    identity,
    network,
    chain,
    async createHost(hostOptions) {
      const port = hostOptions.seed === undefined ? options.p2pPort : 0;
      const host = createHost(
        { onProblem: (problem) => log("warn", `network: ${problem.message}`, { code: problem.code }) },
        {
          seed: identity.nodeSeed,
          ...hostOptions,
          listen: [`/ip4/${p2pHost}/udp/${port}/quic-v1`, `/ip4/${p2pHost}/tcp/${port}`],
          bootstrapFile: network.bootstrapFile,
        },
      );
      await host.start();
      if (options.announce === true) {
        announce(network.bootstrapFile, host.addresses);
      }
      return host;
    },
  };
}

const LOOPBACK = "127.0.0.1";

/** Lines are appended whole, so that services that start at the same moment do not undo each other's. */
function announce(bootstrapFile: string, addresses: readonly string[]): void {
  const known = existsSync(bootstrapFile) ? readFileSync(bootstrapFile, "utf8").split("\n") : [];
  // Others would meet themselves there.
  const reachable = addresses.filter((address) => !address.startsWith(`/ip4/${LOOPBACK}/`) && !known.includes(address));
  if (reachable.length > 0) {
    appendFileSync(bootstrapFile, `${reachable.join("\n")}\n`);
  }
}
