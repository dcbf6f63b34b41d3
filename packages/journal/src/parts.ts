import type { DatabaseSync } from "node:sqlite";
import { newer } from "./journal-errors.ts";
import { countColumn, textColumn } from "./row.ts";

/**
 * What a journal holds, by name: the SQL of each version of each part, in order. Parts know nothing of each other, so
 * that one can grow without the others. A journal remembers how many versions of each it has seen; none is ever edited.
 */
export type JournalParts = Readonly<Record<string, readonly string[]>>;

/**
 * SQLite's own version number of a journal that has parts. Programs from before there were parts compare it with the few
 * versions that they know, and refuse the journal as newer.
 */
const WITH_PARTS = 1_000_000;

/** Brings every part to its newest version, all or nothing. @throws DepinferError `journal.newer`; nothing is changed. */
export function migrate(db: DatabaseSync, path: string, parts: JournalParts): void {
  const stored = Number(db.prepare("PRAGMA user_version").get()?.user_version ?? 0);
  const versions = stored === WITH_PARTS ? readVersions(db) : fromBeforeParts(path, stored, parts);
  for (const [part, version] of versions) {
    const known = parts[part]?.length ?? 0;
    if (version > known) {
      throw newer(path, part, version, known);
    }
  }
  db.exec("BEGIN");
  try {
    if (stored !== WITH_PARTS) {
      db.exec(
        `CREATE TABLE journal_parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT; PRAGMA user_version=${WITH_PARTS}`,
      );
    }
    const remember = db.prepare("INSERT OR REPLACE INTO journal_parts VALUES (?, ?)");
    for (const [part, migrations] of Object.entries(parts)) {
      const version = versions.get(part) ?? 0;
      for (const sql of migrations.slice(version)) {
        db.exec(sql);
      }
      if (version !== migrations.length || stored !== WITH_PARTS) {
        remember.run(part, migrations.length);
      }
    }
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) {
      db.exec("ROLLBACK");
    }
    throw error;
  }
}

function readVersions(db: DatabaseSync): Map<string, number> {
  const rows = db.prepare("SELECT name, version FROM journal_parts").all();
  return new Map(rows.map((row) => [textColumn(row, "name"), countColumn(row, "version")]));
}

/**
 * Journals from before there were parts counted all versions together, in the order of the parts. Every part but the last
 * had exactly one version then.
 */
function fromBeforeParts(path: string, version: number, parts: JournalParts): Map<string, number> {
  const names = Object.keys(parts);
  const known = names.reduce((sum, name) => sum + (parts[name]?.length ?? 0), 0);
  if (version > known) {
    throw newer(path, names.join(", "), version, known);
  }
  const versions = new Map<string, number>();
  let left = version;
  for (const [index, name] of names.entries()) {
    const own = index === names.length - 1 ? left : Math.min(left, 1);
    versions.set(name, own);
    left -= own;
  }
  return versions;
}
