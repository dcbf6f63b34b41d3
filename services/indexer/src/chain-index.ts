import { auditEvents, type Chain, type ChainEvent, type EventBatch } from "@depinfer/chain";
import { errorMessage, type Log } from "@depinfer/protocol";
import type { Database } from "./database.ts";
import { TABLES } from "./schema.ts";

/** Blocks that are read again at the start: a chain that was killed may have forgotten its last ones. */
const OVERLAP = 64n;

/** Blocks whose times are asked for at once. */
const TIMES_AT_ONCE = 8;

export interface ChainIndexModules {
  readonly chain: Chain;
  readonly db: Database;
  readonly log: Log;
  /** Told of each batch once it is stored: from which block on it is new, and the names of its events. */
  readonly onStored?: (fromBlock: bigint, toBlock: bigint, names: ReadonlySet<string>) => void;
}

/**
 * Copies the chain's events into the database until the signal aborts. A batch replaces whatever was stored of its
 * first block and later ones, so that reorganisations and restarts need no special case.
 */
export async function indexChain(modules: ChainIndexModules, signal: AbortSignal): Promise<void> {
  const { chain, db, log, onStored } = modules;
  const { deployment } = chain;
  const genesis = `${deployment.chainId}/${deployment.addresses.channels}/${deployment.block}`;
  const first = BigInt(deployment.block);
  const known = await readProgress(db);
  if (known !== null && known.genesis !== genesis) {
    log("info", "the contracts are others than those indexed; starting from nothing");
    await db.transaction(async (query) => {
      for (const table of TABLES) {
        await query(`DELETE FROM ${table}`);
      }
    });
  }
  const resume = known?.genesis === genesis ? known.block - OVERLAP : first;
  // What was indexed before is no news when it is read again.
  let told = known?.genesis === genesis ? known.block : first - 1n;
  await chain.follow({
    fromBlock: resume > first ? resume : first,
    signal,
    async onLogs(batch) {
      await store(db, genesis, batch, await timesOf(chain, batch));
      if (batch.toBlock > told) {
        onStored?.(told + 1n, batch.toBlock, new Set(batch.events.map(({ eventName }) => eventName)));
        told = batch.toBlock;
      }
    },
    onError: (error) => log("warn", `the chain cannot be read, will be tried again: ${errorMessage(error)}`),
  });
}

async function readProgress(db: Database): Promise<{ genesis: string; block: bigint } | null> {
  const [row] = await db.query("SELECT genesis, block FROM progress");
  return row === undefined ? null : { genesis: String(row.genesis), block: BigInt(String(row.block)) };
}

/** Ms since 1970 of every block of the batch that has events, and of its last one. */
async function timesOf(chain: Chain, { toBlock, events }: EventBatch): Promise<ReadonlyMap<bigint, number>> {
  const wanted = [...new Set([...events.map(({ blockNumber }) => blockNumber), toBlock])];
  const times = new Map<bigint, number>();
  for (let start = 0; start < wanted.length; start += TIMES_AT_ONCE) {
    await Promise.all(
      wanted.slice(start, start + TIMES_AT_ONCE).map(async (block) => {
        times.set(block, (await chain.blockTime(block)) * 1_000);
      }),
    );
  }
  return times;
}

function store(
  db: Database,
  genesis: string,
  { fromBlock, toBlock, events }: EventBatch,
  times: ReadonlyMap<bigint, number>,
): Promise<void> {
  return db.transaction(async (query) => {
    for (const [table, column] of [
      ["events", "block"],
      ["audit_events", "block"],
      ["blocks", "number"],
    ]) {
      await query(`DELETE FROM ${table} WHERE ${column} >= $1`, [fromBlock.toString()]);
    }
    for (const [block, at] of times) {
      await query("INSERT INTO blocks VALUES ($1, $2)", [block.toString(), at]);
    }
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
    for (const [position, event] of auditEvents(events).entries()) {
      await query("INSERT INTO audit_events VALUES ($1, $2, $3, $4, $5)", [
        event.block,
        position,
        event.kind,
        "provider" in event ? event.provider : null,
        JSON.stringify(event),
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
