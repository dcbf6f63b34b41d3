import { countColumn, hexColumn, type Journal } from "@depinfer/journal";
import type { Hex } from "@depinfer/protocol";

/** Versions of the validator's journal, in order. */
export const VALIDATOR_MIGRATIONS: readonly string[] = [
  `CREATE TABLE epochs (
     provider TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     done INTEGER NOT NULL DEFAULT 0,
     failures INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (provider, epoch)
   ) STRICT;
   CREATE TABLE progress (name TEXT PRIMARY KEY, block INTEGER NOT NULL) STRICT;
   CREATE TABLE verdicts (receipt_id TEXT PRIMARY KEY, provider TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL) STRICT`,
];

export interface EpochTask {
  readonly provider: Hex;
  readonly epoch: number;
  readonly failures: number;
}

/** What a validator has to audit and what it found; survives a restart in the middle of an audit. */
export interface AuditLedger {
  /**
   * Adds epochs and remembers up to which block the chain was read, together. An epoch that is found again is opened
   * again: a chain that forgot its root may have forgotten the verdicts on it too. What is attested is left alone.
   */
  found(tasks: readonly Omit<EpochTask, "failures">[], block: bigint): Promise<void>;
  readUpTo(): bigint | null;
  open(): readonly EpochTask[];
  done(task: EpochTask): Promise<void>;
  failed(task: EpochTask): Promise<void>;
  saveVerdict(receiptId: Hex, provider: Hex, verdict: string, reason: string): Promise<void>;
  counts(): Readonly<Record<string, number>>;
}

export function createAuditLedger(journal: Journal): AuditLedger {
  const { db } = journal;
  const sql = {
    add: db.prepare("INSERT INTO epochs (provider, epoch) VALUES (?, ?) ON CONFLICT DO UPDATE SET done = 0"),
    progress: db.prepare(
      "INSERT INTO progress VALUES ('chain', ?) ON CONFLICT (name) DO UPDATE SET block = excluded.block",
    ),
    readProgress: db.prepare("SELECT block FROM progress WHERE name = 'chain'"),
    open: db.prepare("SELECT * FROM epochs WHERE done = 0 ORDER BY failures, epoch"),
    done: db.prepare("UPDATE epochs SET done = 1 WHERE provider = ? AND epoch = ?"),
    failed: db.prepare("UPDATE epochs SET failures = failures + 1 WHERE provider = ? AND epoch = ?"),
    verdict: db.prepare("INSERT INTO verdicts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"),
    counts: db.prepare("SELECT verdict, count(*) AS n FROM verdicts GROUP BY verdict"),
  };
  return {
    found: (tasks, block) =>
      journal.record(() => {
        for (const { provider, epoch } of tasks) {
          sql.add.run(provider, epoch);
        }
        sql.progress.run(block);
      }),
    readUpTo() {
      const row = sql.readProgress.get();
      return row === undefined ? null : BigInt(countColumn(row, "block"));
    },
    open: () =>
      sql.open.all().map((row) => ({
        provider: hexColumn(row, "provider"),
        epoch: countColumn(row, "epoch"),
        failures: countColumn(row, "failures"),
      })),
    done: ({ provider, epoch }) =>
      journal.record(() => {
        sql.done.run(provider, epoch);
      }),
    failed: ({ provider, epoch }) =>
      journal.record(() => {
        sql.failed.run(provider, epoch);
      }),
    saveVerdict: (receiptId, provider, verdict, reason) =>
      journal.record(() => {
        sql.verdict.run(receiptId, provider, verdict, reason, Date.now());
      }),
    counts: () => Object.fromEntries(sql.counts.all().map((row) => [String(row.verdict), countColumn(row, "n")])),
  };
}
