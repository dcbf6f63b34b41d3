import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { constants, DatabaseSync } from "node:sqlite";
import { corrupt } from "./journal-errors.ts";
import type { WalSync } from "./wal-sync.ts";

/** One group of records that were committed together. */
export interface ChangeLogEntry {
  /** Changeset of SQLite's session extension, https://www.sqlite.org/session.html. */
  readonly changes: Uint8Array;
  /** The whole database as it is after these changes, where the log wanted it. */
  readonly snapshot: Uint8Array | null;
}

/** Keeps the groups of a journal elsewhere, in order. Nothing is confirmed before it has them. */
export interface ChangeLog {
  /** Whether the next group shall come with a snapshot, so that what is before it can be forgotten. */
  wantsSnapshot(): boolean;
  /**
   * Resolves when the group is durable. Calls come one after the other; after a rejection there are no more.
   *
   * @throws DepinferError `journal.fenced` when another process owns the journal now.
   */
  append(entry: ChangeLogEntry): Promise<void>;
}

/** Tables without a primary key are not seen by SQLite's sessions, so a journal that is kept elsewhere must have none. */
export function changeLogSync(db: DatabaseSync, path: string, log: ChangeLog): WalSync {
  const keyless = db
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
       AND NOT EXISTS (SELECT 1 FROM pragma_table_info(sqlite_schema.name) WHERE pk > 0)`,
    )
    .all();
  if (keyless.length > 0) {
    throw corrupt(path, `the table ${String(keyless[0]?.name)} has no primary key, so its changes cannot be sent`);
  }
  let session = db.createSession();
  let last: Promise<void> = Promise.resolve();
  /** Set where a group may be missing: what follows must not be appended without it. */
  let failed: { readonly error: unknown } | null = null;

  function capture(): Uint8Array {
    const changes = session.changeset();
    session.close();
    session = db.createSession();
    return changes;
  }

  async function append(entry: ChangeLogEntry, before: Promise<void>): Promise<void> {
    await before.catch(() => undefined);
    if (failed !== null) {
      throw failed.error;
    }
    try {
      await log.append(entry);
    } catch (error) {
      failed = { error };
      throw error;
    }
  }

  return {
    remote: true,
    whenDone() {
      const changes = capture();
      if (changes.length > 0) {
        // Read now: nothing is committed between these changes and this line.
        last = append({ changes, snapshot: log.wantsSnapshot() ? wholeDatabase(db, path) : null }, last);
      }
      return last;
    },
    now: () => undefined,
    close: () => undefined,
  };
}

function wholeDatabase(db: DatabaseSync, path: string): Uint8Array {
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  return readFileSync(path);
}

/**
 * Writes the file of a journal as a change log has it, in place of whatever lies there. Open it with `openJournal`
 * afterwards.
 *
 * @param snapshot the whole database, or null for a journal that never was.
 * @param groups the changes since then, in order.
 * @throws DepinferError `journal.corrupt` when they do not fit each other.
 */
export function restoreJournal(path: string, snapshot: Uint8Array | null, groups: readonly Uint8Array[]): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  for (const suffix of ["", "-wal", "-shm"]) {
    rmSync(path + suffix, { force: true });
  }
  if (snapshot === null) {
    if (groups.length > 0) {
      throw corrupt(path, "there are changes and nothing that they change");
    }
    return;
  }
  writeFileSync(path, snapshot, { mode: 0o600 });
  const db = new DatabaseSync(path);
  try {
    for (const [index, changes] of groups.entries()) {
      if (!db.applyChangeset(changes, { onConflict: () => constants.SQLITE_CHANGESET_ABORT })) {
        throw corrupt(path, `the group ${index} of its changes does not fit what was before it`);
      }
    }
  } finally {
    db.close();
  }
}
