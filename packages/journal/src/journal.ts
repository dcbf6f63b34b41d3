import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { type ChangeLog, changeLogSync } from "./change-log.ts";
import { corrupt, locked, notDurable } from "./journal-errors.ts";
import { type JournalParts, migrate } from "./parts.ts";
import { openWalSync } from "./wal-sync.ts";

export interface JournalOptions {
  /** File of the journal; its folder is made when missing. */
  readonly path: string;
  readonly parts: JournalParts;
}

/**
 * A durable store for money. Whatever `record` has resolved for survives a crash of the process and of the machine. One
 * process owns a journal at a time.
 */
export interface Journal {
  /** For reads and for preparing statements. Writes go through `record` or `recordNow`. */
  readonly db: DatabaseSync;
  /**
   * Runs `work` in a transaction and resolves when it is on disk. Calls that come while the disk is busy share the next
   * transaction, hence one sync; when one of them throws, it alone is undone and rejected.
   */
  record<Result>(work: () => Result): Promise<Result>;
  /**
   * As `record`, at once and alone. The event loop waits for the disk. A change log is not waited for: `settled` tells when
   * it has the change, and nothing that is recorded later is confirmed before.
   */
  recordNow<Result>(work: () => Result): Result;
  /**
   * Resolves when everything that can be read now is on disk. Reads see what was written a moment ago; wait for this
   * before something that was only read is told to anybody.
   */
  settled(): Promise<void>;
  /** Writes what is waiting and closes the file. */
  close(): void;
}

export interface JournalModules {
  /** How the log is put on disk; tests replace it to lose power at any moment. */
  readonly openWalSync?: typeof openWalSync;
  /** Keeps what is recorded in place of this machine's disk, whose file is a working copy then. */
  readonly changeLog?: ChangeLog;
}

/** @throws DepinferError `journal.newer`, `journal.corrupt` or `journal.locked`. Nothing is changed then. */
export function openJournal({ path, parts }: JournalOptions, modules: JournalModules = {}): Journal {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const existed = existsSync(path);
  const db = opened(path, () => {
    const database = new DatabaseSync(path, { readBigInts: true });
    try {
      // Exclusive from the first read on, so that two processes can never both believe to own the money. FULL until the
      // tables are there; NORMAL afterwards, with the log's syncs made here.
      database.exec(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA busy_timeout=0; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
      );
      if (existed) {
        checkIntegrity(database, path);
      }
      migrate(database, path, parts);
      database.exec(`PRAGMA synchronous=${modules.changeLog === undefined ? "NORMAL" : "OFF"}`);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
  const wal = openSync(db, path, modules);

  const step = savepoint(db);
  let waiting: Step[] = [];
  let syncing: Promise<void> | null = null;
  /** What was recorded at once and is on its way to a change log. */
  let sending: Promise<void> = Promise.resolve();
  let broken: DepinferError | null = null;

  /** Commits what waits, in one transaction, and returns how to tell its callers. */
  function commitWaiting(): Committed {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) {
      return NOTHING;
    }
    try {
      db.exec("BEGIN IMMEDIATE");
      const confirmations = batch.map(({ run }) => run());
      db.exec("COMMIT");
      return {
        confirm: () => {
          for (const confirm of confirmations) {
            confirm();
          }
        },
        fail: (error) => {
          for (const { fail } of batch) {
            fail(error);
          }
        },
      };
    } catch (error) {
      if (db.isOpen && db.isTransaction) {
        db.exec("ROLLBACK");
      }
      for (const { fail } of batch) {
        fail(error);
      }
      return NOTHING;
    }
  }

  /** After a failed sync nobody knows what is on disk, and a later one that succeeds does not tell: pages count as clean. */
  function breakDown(cause: unknown): DepinferError {
    // A log that was taken over says so itself.
    broken ??= cause instanceof DepinferError && cause.code.startsWith("journal.") ? cause : notDurable(path, cause);
    return broken;
  }

  function flush(): void {
    if (syncing !== null) {
      return; // Whoever ends it goes on.
    }
    const committed = commitWaiting();
    if (committed === NOTHING) {
      return;
    }
    syncing = wal
      .whenDone()
      .then(committed.confirm, (error) => committed.fail(breakDown(error)))
      .then(() => {
        syncing = null;
        if (waiting.length > 0) {
          // Those that were just told may have more to write.
          setImmediate(flush);
        }
      });
  }

  function syncNow({ confirm, fail }: Committed): void {
    if (wal.remote) {
      sending = wal.whenDone().then(confirm, (error) => fail(breakDown(error)));
      return;
    }
    try {
      wal.now();
    } catch (error) {
      fail(breakDown(error));
      throw breakDown(error);
    }
    confirm();
  }

  function requireWhole(): void {
    if (broken !== null) {
      throw broken;
    }
  }

  return {
    db,
    record: (work) =>
      new Promise((resolve, reject) => {
        requireWhole();
        if (waiting.length === 0 && syncing === null) {
          setImmediate(flush);
        }
        waiting.push({ run: () => runInSavepoint(step, work, resolve, reject), fail: reject });
      }),
    recordNow(work) {
      requireWhole();
      const before = commitWaiting();
      db.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        db.exec("COMMIT");
        syncNow(before);
        return result;
      } catch (error) {
        if (db.isTransaction) {
          db.exec("ROLLBACK");
          syncNow(before);
        }
        throw error;
      }
    },
    async settled() {
      requireWhole();
      await syncing;
      await sending;
      requireWhole();
    },
    close() {
      if (db.isOpen) {
        const committed = commitWaiting();
        if (committed !== NOTHING) {
          syncNow(committed);
        }
        db.close();
        wal.close();
      }
    },
  };
}

/** A transaction that is committed and perhaps not on disk yet. */
interface Committed {
  readonly confirm: () => void;
  readonly fail: (error: unknown) => void;
}

const NOTHING: Committed = { confirm: () => undefined, fail: () => undefined };

/** A call of `record` that waits for the shared transaction. */
interface Step {
  /** Does the work and returns what to call once it is on disk. */
  readonly run: () => () => void;
  /** Told when the transaction as a whole could not be written. */
  readonly fail: (error: unknown) => void;
}

/** One step within a shared transaction. Prepared once: compiling them was a good part of a small write. */
function savepoint(db: DatabaseSync): {
  readonly begin: () => void;
  readonly keep: () => void;
  readonly undo: () => void;
} {
  const [begin, keep] = [db.prepare("SAVEPOINT step"), db.prepare("RELEASE step")];
  return {
    begin: () => begin.run(),
    keep: () => keep.run(),
    undo: () => db.exec("ROLLBACK TO step; RELEASE step"),
  };
}

function runInSavepoint<Result>(
  step: ReturnType<typeof savepoint>,
  work: () => Result,
  resolve: (result: Result) => void,
  reject: (error: unknown) => void,
): () => void {
  step.begin();
  try {
    const result = work();
    step.keep();
    return () => resolve(result);
  } catch (error) {
    step.undo();
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

function openSync(db: DatabaseSync, path: string, { changeLog, openWalSync: open = openWalSync }: JournalModules) {
  try {
    return changeLog === undefined ? open(path) : changeLogSync(db, path, changeLog);
  } catch (error) {
    db.close();
    throw error;
  }
}
