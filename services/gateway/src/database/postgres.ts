import { DepinferError, errorMessage } from "@depinfer/protocol";

export type SqlValue = string | number | bigint | boolean | null | Uint8Array;
export type SqlRow = Readonly<Record<string, unknown>>;
export type Query = (sql: string, values?: readonly SqlValue[]) => Promise<readonly SqlRow[]>;

/** A PostgreSQL server that gateways share. 64-bit integers are bigints, `bytea` are bytes. */
export interface SharedDatabase {
  query: Query;
  /** Runs statements as one on a connection of their own; an error undoes them. */
  transaction<Result>(work: (query: Query) => Promise<Result>): Promise<Result>;
  /** Runs `work` while no other process that shares the database runs one under the same number. */
  locked<Result>(lock: number, work: () => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

const CONNECTIONS = 8;
/** Connections that hold an advisory lock, apart from the others so that whoever holds one can still ask. */
const LOCKING_CONNECTIONS = 2;
/** A server that does not take a connection for so long is treated as gone. */
const CONNECT_MS = 5_000;
/** Longest wait for an answer: a snapshot of a journal may have hundreds of megabytes. */
const ANSWER_MS = 30_000;

/** @throws DepinferError `database.unreachable`. */
export async function openSharedDatabase(url: string): Promise<SharedDatabase> {
  const { default: pg } = await import("pg");
  const types = {
    getTypeParser: (id: number, format?: "text" | "binary") =>
      id === pg.types.builtins.INT8 ? BigInt : pg.types.getTypeParser(id, format),
  };
  const settings = { connectionString: url, types, connectionTimeoutMillis: CONNECT_MS, query_timeout: ANSWER_MS };
  const pool = new pg.Pool({ ...settings, max: CONNECTIONS });
  // Waiting for a lock takes as long as somebody's transaction on the chain.
  const locks = new pg.Pool({ ...settings, query_timeout: 0, max: LOCKING_CONNECTIONS });
  for (const each of [pool, locks]) {
    // An idle connection that the server closes is replaced at the next query.
    each.on("error", () => undefined);
  }
  const close = async () => {
    await Promise.all([pool.end(), locks.end()]);
  };
  const values = (given: readonly SqlValue[]) =>
    given.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value));

  const query: Query = async (sql, given = []) => (await pool.query(sql, values(given))).rows;
  await query("SELECT 1").catch(async (cause: unknown) => {
    await close();
    throw new DepinferError({
      code: "database.unreachable",
      message: `The database cannot be used: ${errorMessage(cause)}`,
      remedy: "Check --database-url, the password in it, and that PostgreSQL is running",
      retryable: true,
      cause,
    });
  });

  return {
    query,
    async transaction(work) {
      const client = await pool.connect();
      let whole = false;
      try {
        await client.query("BEGIN");
        const result = await work(async (sql, given = []) => (await client.query(sql, values(given))).rows);
        await client.query("COMMIT");
        whole = true;
        return result;
      } catch (error) {
        await client.query("ROLLBACK").then(
          () => {
            whole = true;
          },
          () => undefined,
        );
        throw error;
      } finally {
        // A connection whose transaction may still be open is not used again.
        client.release(!whole);
      }
    },
    async locked(lock, work) {
      const client = await locks.connect();
      let held = false;
      try {
        await client.query("SELECT pg_advisory_lock($1)", [lock]);
        held = true;
        return await work();
      } finally {
        const free =
          held &&
          (await client.query("SELECT pg_advisory_unlock($1)", [lock]).then(
            () => true,
            () => false,
          ));
        // The server gives back the lock of a connection that ends.
        client.release(!free);
      }
    },
    close,
  };
}
