import type { Server } from "node:http";
import { setTimeout } from "node:timers/promises";
import type { Chain } from "@depinfer/chain";
import type { Host, OfferChange, Unsubscribe } from "@depinfer/network";
import { DepinferError, errorMessage, type Log, pricesToJson } from "@depinfer/protocol";
import { createApi } from "./api.ts";
import { indexChain } from "./chain-index.ts";
import type { Database } from "./database.ts";
import { indexReceipts } from "./receipt-index.ts";
import { SCHEMA } from "./schema.ts";

export interface IndexerModules {
  readonly chain: Chain;
  readonly host: Host;
  readonly db: Database;
  readonly log: Log;
}

export interface IndexerOptions {
  readonly host: string;
  readonly port: number;
}

/** A running indexer: what the chain and the providers say, in SQL and over HTTP. Everything can be rebuilt. */
export interface Indexer {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly port: number;
}

const RETRY_MS = 1_000;

export function createIndexer(modules: IndexerModules, options: IndexerOptions): Indexer {
  const { chain, host, db, log } = modules;
  const stopping = new AbortController();
  const server: Server = createApi(db, log);
  const running: Promise<void>[] = [];
  let forget: Unsubscribe = () => undefined;

  function saveOffer({ offer }: Pick<OfferChange, "offer">): void {
    const json = JSON.stringify({ ...offer, prices: pricesToJson(offer.prices) });
    db.query(
      "INSERT INTO offers (peer_id, class_id, provider, expires_at, offer) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (peer_id, class_id) DO UPDATE SET provider = excluded.provider, expires_at = excluded.expires_at, offer = excluded.offer",
      [offer.peerId, offer.classId, offer.provider, offer.expiresAt, json],
    ).catch((error: unknown) => log("warn", `an offer was not stored: ${errorMessage(error)}`));
  }

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
      for (const statement of SCHEMA.split(";").filter((text) => text.trim() !== "")) {
        await db.query(statement);
      }
      await new Promise<void>((resolve, reject) => {
        server.once("error", (cause) => reject(portBusy(options, cause)));
        server.listen(options.port, options.host, resolve);
      });
      for (const offer of host.offers.offers()) {
        saveOffer({ offer });
      }
      forget = host.offers.onChange(saveOffer);
      running.push(
        untilStopped(() => indexChain(chain, db, stopping.signal, log)),
        untilStopped(() => indexReceipts(modules, stopping.signal)),
      );
    },
    async stop() {
      stopping.abort();
      forget();
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
