import type { Chain, ChainEvent, EventBatch } from "@depinfer/chain";
import { errorMessage, type Log } from "@depinfer/protocol";
import type { Database } from "./database.ts";

/** Blocks that are read again at the start: a chain that was killed may have forgotten its last ones. */
const OVERLAP = 64n;

/**
 * Copies the chain's events into the database until the signal aborts. A batch replaces whatever was stored of its
 * first block and later ones, so that reorganisations and restarts need no special case.
 */
export async function indexChain(chain: Chain, db: Database, signal: AbortSignal, log: Log): Promise<void> {
  const { deployment } = chain;
  const genesis = `${deployment.chainId}/${deployment.addresses.channels}/${deployment.block}`;
  const first = BigInt(deployment.block);
  const known = await readProgress(db);
  if (known !== null && known.genesis !== genesis) {
    log("info", "the contracts are others than those indexed; starting from nothing");
    await db.transaction(async (query) => {
      for (const table of ["events", "progress", "receipts", "offers"]) {
        await query(`DELETE FROM ${table}`);
      }
    });
  }
  const resume = known?.genesis === genesis ? known.block - OVERLAP : first;
  await chain.follow({
    fromBlock: resume > first ? resume : first,
    signal,
    onLogs: (batch) => store(db, genesis, batch),
    onError: (error) => log("warn", `the chain cannot be read, will be tried again: ${errorMessage(error)}`),
  });
}

async function readProgress(db: Database): Promise<{ genesis: string; block: bigint } | null> {
  const [row] = await db.query("SELECT genesis, block FROM progress");
  return row === undefined ? null : { genesis: String(row.genesis), block: BigInt(String(row.block)) };
}

function store(db: Database, genesis: string, { fromBlock, toBlock, events }: EventBatch): Promise<void> {
  return db.transaction(async (query) => {
    await query("DELETE FROM events WHERE block >= $1", [fromBlock.toString()]);
    for (const event of events) {
      await query("INSERT INTO events (block, log_index, tx, contract, name, args) VALUES ($1, $2, $3, $4, $5, $6)", [
        event.blockNumber.toString(),
        event.logIndex,
        event.transactionHash,
        event.contract,
        event.eventName,
        argsJson(event),
      ]);
    }
    await query(
      "INSERT INTO progress VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE SET genesis = excluded.genesis, block = excluded.block",
      [genesis, toBlock.toString()],
    );
  });
}

function argsJson({ args }: ChainEvent): string {
  return JSON.stringify(args, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}
