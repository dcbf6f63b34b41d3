import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import type { CustomTypesConfig } from "pg";

/** A value that goes into a statement. */
export type SqlValue = string | number | boolean | null;
export type SqlRow = Readonly<Record<string, unknown>>;

/** The two databases that the indexer runs on, seen alike: SQL with `$1` parameters, rows as objects. */
export interface Database {
  readonly kind: "pglite" | "postgresql";
  query(sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Runs statements as one; an error undoes them. Calls wait for each other. */
  transaction(work: (query: Database["query"]) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/**
 * PostgreSQL inside the process. It keeps no lock on its folder and does not sync it to disk, which is fine for what
 * can be rebuilt from the chain; the lock is ours.
 *
 * @throws DepinferError `index.locked`.
 */
export async function openEmbedded(folder: string): Promise<Database> {
  const unlock = lockFolder(folder);
  const { PGlite } = await import("@electric-sql/pglite");
  const open = () => PGlite.create(join(folder, "pgdata"));
  const db = await open().catch(async () => {
    // Damaged by a power cut, say. Nothing in it exists only there.
    rmSync(join(folder, "pgdata"), { recursive: true, force: true });
    return open();
  });
  return {
    kind: "pglite",
    query: async (sql, values = []) => (await db.query<SqlRow>(sql, [...values])).rows,
    transaction: (work) =>
      db.transaction((tx) => work(async (sql, values = []) => (await tx.query<SqlRow>(sql, [...values])).rows)),
    async close() {
      await db.close();
      unlock();
    },
  };
}

/** A PostgreSQL server by URL. @throws DepinferError `index.unreachable`. */
export async function openServer(url: string): Promise<Database> {
  const { default: pg } = await import("pg");
  // 64-bit integers as PGlite gives them: numbers while they are exact. pg gives text.
  const types: CustomTypesConfig = {
    getTypeParser: (id, format) => (id === pg.types.builtins.INT8 ? wholeNumber : pg.types.getTypeParser(id, format)),
  };
  const pool = new pg.Pool({ connectionString: url, max: 4, types });
  // An idle connection that the server closes is replaced at the next query.
  pool.on("error", () => undefined);
  await pool.query("SELECT 1").catch(async (cause: unknown) => {
    await pool.end();
    throw new DepinferError({
      code: "index.unreachable",
      message: `The database cannot be used: ${errorMessage(cause)}`,
      remedy:
        "Check the URL, the password and that PostgreSQL is running; without --database the indexer brings its own",
      retryable: true,
      cause,
    });
  });
  return {
    kind: "postgresql",
    query: async (sql, values = []) => (await pool.query(sql, [...values])).rows,
    async transaction(work) {
      const client = await pool.connect();
      try {
        await client.query("BEGIN");
        await work(async (sql, values = []) => (await client.query(sql, [...values])).rows);
        await client.query("COMMIT");
      } catch (error) {
        await client.query("ROLLBACK");
        throw error;
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}

function wholeNumber(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "index.lock");
  const holder = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
  if (holder > 0 && holder !== process.pid && isAlive(holder)) {
    throw new DepinferError({
      code: "index.locked",
      message: `The index in ${folder} is in use by process ${holder}`,
      remedy: "Stop that indexer, or choose another folder with --home",
      metadata: { folder, pid: holder },
    });
  }
  writeFileSync(path, String(process.pid), { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
