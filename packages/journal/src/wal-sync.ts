import { closeSync, fdatasync, fdatasyncSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";

/** Puts what was written to a journal's write-ahead log on the disk. */
export interface WalSync {
  /** Somewhere else than on this machine's disk: `now` cannot wait for it. */
  readonly remote?: boolean;
  /** Resolves when everything that was written before the call is on disk. The event loop goes on meanwhile. */
  whenDone(): Promise<void>;
  /** The same, at once; the event loop waits. */
  now(): void;
  close(): void;
}

/**
 * The log's file of the database at `path`, which has to be open in WAL mode with exclusive locking.
 *
 * SQLite with `synchronous=NORMAL` leaves out exactly one thing that it does with `FULL`: the sync of the log at the end
 * of a transaction. This is that sync. It covers every transaction that was committed before it began:
 *
 * - Frames of a transaction are in the log's file when COMMIT returns; the log is never written through another file.
 * - A checkpoint copies frames into the database and lets the next writer begin the log anew. SQLite syncs the log before
 *   it copies and the database after it, also with NORMAL, so what leaves the log is on disk by then.
 * - A log that is begun anew has its header synced by SQLite before any frame follows; frames of the old one are told
 *   apart by the salt in it, so that old and new never mix.
 * - With exclusive locking the log stays one file while the database is open: it is neither removed nor replaced.
 *
 * See https://www.sqlite.org/wal.html and the comment before `walWriteFrames` in SQLite's wal.c.
 */
export function openWalSync(path: string): WalSync {
  // A file's own sync does not make its name durable.
  syncFolder(dirname(path));
  const file = openSync(`${path}-wal`, "r+");
  let running = 0;
  let closing = false;

  function closeWhenIdle(): void {
    if (closing && running === 0) {
      closeSync(file);
    }
  }

  return {
    whenDone: () =>
      new Promise((resolve, reject) => {
        running += 1;
        fdatasync(file, (error) => {
          running -= 1;
          closeWhenIdle();
          if (error === null) {
            resolve();
          } else {
            reject(error);
          }
        });
      }),
    now: () => fdatasyncSync(file),
    close() {
      closing = true;
      closeWhenIdle();
    },
  };
}

function syncFolder(folder: string): void {
  if (process.platform === "win32") {
    return; // Folders cannot be opened there; NTFS keeps names in its own journal.
  }
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
