import { createIndexer, openEmbedded, openServer, type SetAside } from "@depinfer/indexer";
import type { Log } from "@depinfer/protocol";
import { readNetworkFile } from "../network-file.ts";
import { connect, type ServiceOptions } from "./connect.ts";
import type { RunningService } from "./lifecycle.ts";

export interface IndexerServiceOptions extends ServiceOptions {
  readonly host: string;
  readonly port: number;
  /** PostgreSQL URL; without it the database runs inside the process. */
  readonly database?: string;
  /** Layers that are left out of the network's index, and why. */
  readonly setAside?: SetAside;
  /** Seconds between two steps of the base prices. */
  readonly basePriceSeconds?: number;
}

export async function startIndexer(options: IndexerServiceOptions, log: Log): Promise<RunningService> {
  const [db, { chain, createHost }] = await Promise.all([
    options.database === undefined ? openEmbedded(options.home) : openServer(options.database),
    connect(options, log),
  ]);
  const host = await createHost({ role: "indexer" });
  const { auditRate } = readNetworkFile(options.networkFile);
  const indexer = createIndexer(
    { chain, host, db, log },
    {
      host: options.host,
      port: options.port,
      setAside: options.setAside ?? {},
      ...(options.basePriceSeconds === undefined ? {} : { basePricePeriod: options.basePriceSeconds * 1_000 }),
      ...(auditRate === undefined ? {} : { auditRate }),
    },
  );
  await indexer.start();
  const url = `http://${options.host}:${indexer.port}`;
  return {
    info: { url, database: db.kind, peerId: host.peerId, addresses: host.addresses },
    control: {},
    async stop() {
      await indexer.stop();
      await host.stop();
    },
  };
}
