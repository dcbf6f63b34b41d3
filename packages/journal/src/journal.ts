import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { corrupt, locked } from "./journal-errors.ts";
import { type JournalParts, migrate } from "./parts.ts";

export interface JournalOptions {
  /** File of the journal; its folder is made when missing. */
  readonly path: string;
  readonly parts: JournalParts;
}

/**
 * A durable store for money. Whatever `record` has resolved for survives a crash of the process and of the machine:
 * SQLite in WAL mode with `synchronous=FULL`. One process owns a journal at a time.
 */
export interface Journal {
  /** For reads and for preparing statements. Writes go through `record` or `recordNow`. */
  readonly db: DatabaseSync;
  /**
   * Runs `work` in a transaction and resolves when it is on disk. Calls made in the same turn of the event loop share
   * one transaction, hence one sync of the disk; when one of them throws, it alone is undone and rejected.
   */
  record<Result>(work: () => Result): Promise<Result>;
  /** As `record`, at once and alone. */
  recordNow<Result>(work: () => Result): Result;
  /** Writes what is waiting and closes the file. */
  close(): void;
}

/** @throws DepinferError `journal.newer`, `journal.corrupt` or `journal.locked`. Nothing is changed then. */
export function openJournal({ path, parts }: JournalOptions): Journal {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const existed = existsSync(path);
  const db = opened(path, () => {
    const database = new DatabaseSync(path, { readBigInts: true });
    try {
      // Exclusive from the first read on, so that two processes can never both believe to own the money.
      database.exec(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA busy_timeout=0; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
      );
      if (existed) {
        checkIntegrity(database, path);
      }
      migrate(database, path, parts);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });

  let waiting: Step[] = [];

  function commitWaiting(): void {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) {
      return;
    }
    try {
      db.exec("BEGIN IMMEDIATE");
      const confirmations = batch.map((step) => step.run());
      db.exec("COMMIT");
      for (const confirm of confirmations) {
        confirm();
      }
    } catch (error) {
      if (db.isOpen && db.isTransaction) {
        db.exec("ROLLBACK");
      }
      for (const step of batch) {
        step.fail(error);
      }
    }
  }

  return {
    db,
    record: (work) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) {
          setImmediate(commitWaiting);
        }
        waiting.push({ run: () => runInSavepoint(db, work, resolve, reject), fail: reject });
      }),
    recordNow(work) {
      commitWaiting();
      db.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        db.exec("COMMIT");
        return result;
      } catch (error) {
        db.exec("ROLLBACK");
        throw error;
      }
    },
    close() {
      if (db.isOpen) {
        commitWaiting();
        db.close();
      }
    },
  };
}

/** A call of `record` that waits for the shared transaction. */
interface Step {
  /** Does the work and returns what to call once it is on disk. */
  readonly run: () => () => void;
  /** Told when the transaction as a whole could not be written. */
  readonly fail: (error: unknown) => void;
}

function runInSavepoint<Result>(
  db: DatabaseSync,
  work: () => Result,
  resolve: (result: Result) => void,
  reject: (error: unknown) => void,
): () => void {
  db.exec("SAVEPOINT step");
  try {
    const result = work();
    db.exec("RELEASE step");
    return () => resolve(result);
  } catch (error) {
    db.exec("ROLLBACK TO step; RELEASE step");
    return () => reject(error);
  }
}

function opened<Result>(path: string, open: () => Result): Result {
  try {
    return open();
  } catch (cause) {
    if (cause instanceof DepinferError) {
      throw cause;
    }
    const why = errorMessage(cause);
    throw /locked|busy/i.test(why) ? locked(path, cause) : corrupt(path, why, cause);
  }
}

function checkIntegrity(db: DatabaseSync, path: string): void {
  const result = db.prepare("PRAGMA quick_check").get()?.quick_check;
  if (result !== "ok") {
    throw corrupt(path, String(result));
  }
}
