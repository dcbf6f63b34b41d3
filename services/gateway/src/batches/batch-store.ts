import { bytesColumn, countColumn, type Journal, type Row, textColumn } from "@depinfer/journal";

/** A file as it is listed. */
export interface StoredFile {
  readonly id: string;
  readonly filename: string;
  readonly purpose: string;
  readonly bytes: number;
  /** Unix second. */
  readonly createdAt: number;
}

export type BatchStatus = "in_progress" | "finalizing" | "completed" | "cancelling" | "cancelled" | "expired";

/** A batch with how far it is. */
export interface StoredBatch {
  readonly id: string;
  readonly account: string;
  readonly endpoint: string;
  readonly inputFile: string;
  readonly status: BatchStatus;
  /** JSON, as the client gave it, or null. */
  readonly metadata: string | null;
  readonly total: number;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly cancelledAt: number | null;
  readonly outputFile: string | null;
  readonly errorFile: string | null;
}

/** What became of a line of a batch. */
export interface LineResult {
  /** From 0. */
  readonly line: number;
  readonly ok: boolean;
  /** The line of the output or error file. */
  readonly json: string;
}

/** Files and batches of keys. Every change is durable when it resolves. Nobody finds another key's. */
export interface BatchStore {
  addFile(account: string, file: StoredFile, content: Uint8Array): Promise<void>;
  file(account: string, id: string): Promise<StoredFile | undefined>;
  content(account: string, id: string): Promise<Uint8Array | undefined>;
  /** Newest first. */
  files(account: string): Promise<readonly StoredFile[]>;
  removeFile(account: string, id: string): Promise<boolean>;
  addBatch(batch: StoredBatch): Promise<void>;
  batch(account: string, id: string): Promise<StoredBatch | undefined>;
  /** Newest first. */
  batches(account: string): Promise<readonly StoredBatch[]>;
  changeBatch(id: string, changes: Partial<StoredBatch>): Promise<void>;
  /** Batches of all keys that are not over. */
  unfinished(): Promise<readonly StoredBatch[]>;
  /** Keeps what became of a line; the first result stays. */
  addResult(batch: string, result: LineResult): Promise<void>;
  /** By line. */
  results(batch: string): Promise<readonly LineResult[]>;
  counts(batch: string): Promise<{ readonly completed: number; readonly failed: number }>;
}

/** The part of a journal that keeps files and batches. */
export const BATCH_MIGRATIONS: readonly string[] = [
  `CREATE TABLE files (
     id TEXT PRIMARY KEY,
     account TEXT NOT NULL,
     filename TEXT NOT NULL,
     purpose TEXT NOT NULL,
     created_at INTEGER NOT NULL,            -- Unix second, as every time here
     content BLOB NOT NULL
   ) STRICT;
   CREATE INDEX files_by_account ON files (account, created_at);
   CREATE TABLE batches (
     id TEXT PRIMARY KEY,
     account TEXT NOT NULL,
     endpoint TEXT NOT NULL,
     input_file TEXT NOT NULL,
     status TEXT NOT NULL,
     metadata TEXT,                          -- JSON
     total INTEGER NOT NULL,                 -- lines
     created_at INTEGER NOT NULL,
     ended_at INTEGER,
     cancelled_at INTEGER,
     output_file TEXT,
     error_file TEXT
   ) STRICT;
   CREATE INDEX batches_by_account ON batches (account, created_at);
   CREATE TABLE batch_results (
     batch TEXT NOT NULL,
     line INTEGER NOT NULL,
     ok INTEGER NOT NULL,
     json TEXT NOT NULL,
     PRIMARY KEY (batch, line)
   ) STRICT`,
];

export function createBatchStore(journal: Journal): BatchStore {
  const { db } = journal;
  const listed = "SELECT id, filename, purpose, created_at, length(content) AS bytes FROM files";
  const sql = {
    addFile: db.prepare("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)"),
    file: db.prepare(`${listed} WHERE account = ? AND id = ?`),
    content: db.prepare("SELECT content FROM files WHERE account = ? AND id = ?"),
    files: db.prepare(`${listed} WHERE account = ? ORDER BY created_at DESC, rowid DESC`),
    removeFile: db.prepare("DELETE FROM files WHERE account = ? AND id = ?"),
    addBatch: db.prepare("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    batch: db.prepare("SELECT * FROM batches WHERE account = ? AND id = ?"),
    batches: db.prepare("SELECT * FROM batches WHERE account = ? ORDER BY created_at DESC, rowid DESC"),
    change: db.prepare(
      `UPDATE batches SET status = coalesce(?, status), ended_at = coalesce(?, ended_at),
         cancelled_at = coalesce(?, cancelled_at), output_file = coalesce(?, output_file),
         error_file = coalesce(?, error_file) WHERE id = ?`,
    ),
    unfinished: db.prepare("SELECT * FROM batches WHERE ended_at IS NULL ORDER BY created_at, rowid"),
    addResult: db.prepare("INSERT OR IGNORE INTO batch_results VALUES (?, ?, ?, ?)"),
    results: db.prepare("SELECT line, ok, json FROM batch_results WHERE batch = ? ORDER BY line"),
    counts: db.prepare(
      "SELECT count(*) AS lines, coalesce(sum(ok), 0) AS completed FROM batch_results WHERE batch = ?",
    ),
  };
  return {
    async addFile(account, { id, filename, purpose, createdAt }, content) {
      await journal.record(() => sql.addFile.run(id, account, filename, purpose, createdAt, content));
    },
    async file(account, id) {
      const row = sql.file.get(account, id);
      return row === undefined ? undefined : toFile(row);
    },
    async content(account, id) {
      const row = sql.content.get(account, id);
      return row === undefined ? undefined : bytesColumn(row, "content");
    },
    files: async (account) => sql.files.all(account).map(toFile),
    async removeFile(account, id) {
      const { changes } = await journal.record(() => sql.removeFile.run(account, id));
      return BigInt(changes) > 0n;
    },
    async addBatch(batch) {
      const { id, account, endpoint, inputFile, status, metadata, total } = batch;
      const { createdAt, endedAt, cancelledAt, outputFile, errorFile } = batch;
      await journal.record(() =>
        sql.addBatch.run(
          id,
          account,
          endpoint,
          inputFile,
          status,
          metadata,
          total,
          createdAt,
          endedAt,
          cancelledAt,
          outputFile,
          errorFile,
        ),
      );
    },
    async batch(account, id) {
      const row = sql.batch.get(account, id);
      return row === undefined ? undefined : toBatch(row);
    },
    batches: async (account) => sql.batches.all(account).map(toBatch),
    async changeBatch(id, { status, endedAt, cancelledAt, outputFile, errorFile }) {
      await journal.record(() =>
        sql.change.run(status ?? null, endedAt ?? null, cancelledAt ?? null, outputFile ?? null, errorFile ?? null, id),
      );
    },
    unfinished: async () => sql.unfinished.all().map(toBatch),
    async addResult(batch, { line, ok, json }) {
      await journal.record(() => sql.addResult.run(batch, line, ok ? 1 : 0, json));
    },
    results: async (batch) =>
      sql.results.all(batch).map((row) => ({
        line: countColumn(row, "line"),
        ok: countColumn(row, "ok") === 1,
        json: textColumn(row, "json"),
      })),
    async counts(batch) {
      const row = sql.counts.get(batch) ?? {};
      const completed = countColumn(row, "completed");
      return { completed, failed: countColumn(row, "lines") - completed };
    },
  };
}

function toFile(row: Row): StoredFile {
  return {
    id: textColumn(row, "id"),
    filename: textColumn(row, "filename"),
    purpose: textColumn(row, "purpose"),
    bytes: countColumn(row, "bytes"),
    createdAt: countColumn(row, "created_at"),
  };
}

const STATUSES: readonly BatchStatus[] = [
  "in_progress",
  "finalizing",
  "completed",
  "cancelling",
  "cancelled",
  "expired",
];

function toBatch(row: Row): StoredBatch {
  const text = (column: string) => (row[column] === null ? null : textColumn(row, column));
  const count = (column: string) => (row[column] === null ? null : countColumn(row, column));
  const status = textColumn(row, "status");
  return {
    id: textColumn(row, "id"),
    account: textColumn(row, "account"),
    endpoint: textColumn(row, "endpoint"),
    inputFile: textColumn(row, "input_file"),
    status: STATUSES.find((known) => known === status) ?? "in_progress",
    metadata: text("metadata"),
    total: countColumn(row, "total"),
    createdAt: countColumn(row, "created_at"),
    endedAt: count("ended_at"),
    cancelledAt: count("cancelled_at"),
    outputFile: text("output_file"),
    errorFile: text("error_file"),
  };
}
