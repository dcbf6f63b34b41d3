import type { Server } from "node:http";
import { setTimeout } from "node:timers/promises";
import type { Chain } from "@depinfer/chain";
import type { Host, Unsubscribe } from "@depinfer/network";
import { DepinferError, errorMessage, type Log } from "@depinfer/protocol";
import { createAnnouncements } from "./api/announcements.ts";
import { createEventHub } from "./api/event-hub.ts";
import { createReader } from "./api/reader.ts";
import { createApi } from "./api/server.ts";
import { indexChain } from "./chain-index.ts";
import type { Database } from "./database.ts";
import { keepIndexHistory } from "./decentralisation/history.ts";
import type { SetAside } from "./decentralisation/measured-layer.ts";
import { keepBasePrices } from "./economy/base-prices.ts";
import { indexOffers } from "./offer-index.ts";
import { prepareDatabase } from "./prepare-database.ts";
import { indexReceipts } from "./receipt-index.ts";

export interface IndexerModules {
  readonly chain: Chain;
  readonly host: Host;
  readonly db: Database;
  readonly log: Log;
}

export interface IndexerOptions {
  readonly host: string;
  readonly port: number;
  /** Fixed share of audited receipts of this network; the protocol's schedule when left out. */
  readonly auditRate?: number;
  /** Layers that are shown and left out of the network's index, and why. */
  readonly setAside?: SetAside;
  /** Ms between two steps of the base prices; an hour when left out. */
  readonly basePricePeriod?: number;
}

/** A running indexer: what the chain and the providers say, in SQL and over HTTP. Everything can be rebuilt. */
export interface Indexer {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly port: number;
}

const RETRY_MS = 1_000;
const HOUR_MS = 3_600_000;

export function createIndexer(modules: IndexerModules, options: IndexerOptions): Indexer {
  const { chain, db, log } = modules;
  const stopping = new AbortController();
  const hub = createEventHub(Date.now());
  const told = createAnnouncements(db, hub, log);
  const { auditRate = null, setAside = {}, basePricePeriod = HOUR_MS } = options;
  const reader = createReader({ db, deployment: chain.deployment, auditRate, setAside, basePricePeriod });
  const server: Server = createApi(reader, hub, log);
  const running: Promise<void>[] = [];
  let forget: Unsubscribe = () => undefined;

  /** A database server that restarts must not end the indexing: it goes on from what was stored. */
  async function untilStopped(work: () => Promise<void>): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await work();
      } catch (error) {
        log("error", `indexing stopped, will be tried again: ${errorMessage(error)}`);
        await setTimeout(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  return {
    async start() {
      await prepareDatabase(db, log);
      await new Promise<void>((resolve, reject) => {
        server.once("error", (cause) => reject(portBusy(options, cause)));
        server.listen(options.port, options.host, resolve);
      });
      forget = indexOffers({ ...modules, deployment: chain.deployment, onOffer: told.offer });
      running.push(
        untilStopped(() => indexChain({ ...modules, onStored: told.blocks }, stopping.signal)),
        untilStopped(() => indexReceipts({ ...modules, onStored: told.receipts }, stopping.signal)),
        keepIndexHistory(modules, setAside, stopping.signal),
        keepBasePrices(modules, basePricePeriod, stopping.signal),
      );
    },
    async stop() {
      stopping.abort();
      forget();
      hub.close();
      server.close();
      server.closeAllConnections();
      await Promise.all(running);
      await db.close();
    },
    get port() {
      const address = server.address();
      return address !== null && typeof address === "object" ? address.port : options.port;
    },
  };
}

function portBusy({ host, port }: IndexerOptions, cause: unknown): DepinferError {
  return new DepinferError({
    code: "index.portBusy",
    message: `Port ${port} on ${host} cannot be listened on`,
    remedy: "Choose another one with --port, or stop what is using it",
    metadata: { port },
    cause,
  });
}
