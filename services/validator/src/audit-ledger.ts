import { countColumn, hexColumn, type Journal, type Row, textColumn } from "@depinfer/journal";
import { type AuditEvent, auditEventSchema, type Hex } from "@depinfer/protocol";
import { CANARIES_MIGRATION } from "./canary/canary-ledger.ts";
import { BALLOTS_MIGRATION } from "./disputes/ballots.ts";
import { type Finding, findingSchema } from "./finding.ts";

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
  // What was attested is in the events; what is found from now on is kept whole, before it is attested.
  `DROP TABLE verdicts;
   DELETE FROM progress;
   CREATE TABLE findings (
     provider TEXT NOT NULL,
     digest TEXT NOT NULL,
     verdict TEXT NOT NULL,
     finding TEXT NOT NULL,
     PRIMARY KEY (provider, digest)
   ) STRICT;
   CREATE TABLE audit_events (seq INTEGER PRIMARY KEY, block INTEGER NOT NULL, event TEXT NOT NULL) STRICT;
   CREATE INDEX audit_events_by_block ON audit_events (block)`,
  BALLOTS_MIGRATION,
  CANARIES_MIGRATION,
];

export interface EpochTask {
  readonly provider: Hex;
  readonly epoch: number;
  readonly failures: number;
}

/** What a validator has to audit, what it found, and the public record; survives a restart in the middle of an audit. */
export interface AuditLedger {
  /**
   * Replaces what is known of the blocks from `fromBlock` on and remembers that the chain was read up to `toBlock`,
   * together. An epoch that is found again is opened again: a chain that forgot its root may have forgotten the verdicts
   * on it too. What is attested is left alone.
   */
  take(fromBlock: number, toBlock: number, events: readonly AuditEvent[]): Promise<void>;
  events(): readonly AuditEvent[];
  readUpTo(): number | null;
  open(): readonly EpochTask[];
  done(task: EpochTask): Promise<void>;
  failed(task: EpochTask): Promise<void>;
  finding(provider: Hex, digest: Hex): Finding | undefined;
  /** Keeps the first finding on a receipt; a later one changes nothing. */
  saveFinding(finding: Finding): Promise<void>;
  /** Findings by verdict. */
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
    forget: db.prepare("DELETE FROM audit_events WHERE block >= ?"),
    event: db.prepare("INSERT INTO audit_events (block, event) VALUES (?, ?)"),
    events: db.prepare("SELECT event FROM audit_events ORDER BY seq"),
    open: db.prepare("SELECT * FROM epochs WHERE done = 0 ORDER BY failures, epoch"),
    done: db.prepare("UPDATE epochs SET done = 1 WHERE provider = ? AND epoch = ?"),
    failed: db.prepare("UPDATE epochs SET failures = failures + 1 WHERE provider = ? AND epoch = ?"),
    finding: db.prepare("SELECT finding FROM findings WHERE provider = ? AND digest = ?"),
    saveFinding: db.prepare("INSERT INTO findings VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"),
    counts: db.prepare("SELECT verdict, count(*) AS n FROM findings GROUP BY verdict"),
  };
  return {
    take: (fromBlock, toBlock, events) =>
      journal.record(() => {
        sql.forget.run(fromBlock);
        for (const event of events) {
          sql.event.run(event.block, JSON.stringify(event));
          if (event.kind === "root") {
            sql.add.run(event.provider, event.epoch);
          }
        }
        sql.progress.run(toBlock);
      }),
    events: () => sql.events.all().map((row) => auditEventSchema.parse(JSON.parse(textColumn(row, "event")))),
    readUpTo() {
      const row = sql.readProgress.get();
      return row === undefined ? null : countColumn(row, "block");
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
    finding(provider, digest) {
      const row: Row | undefined = sql.finding.get(provider, digest);
      return row === undefined ? undefined : findingSchema.parse(JSON.parse(textColumn(row, "finding")));
    },
    saveFinding: (finding) =>
      journal.record(() => {
        sql.saveFinding.run(finding.provider, finding.digest, finding.verdict, JSON.stringify(finding));
      }),
    counts: () => Object.fromEntries(sql.counts.all().map((row) => [String(row.verdict), countColumn(row, "n")])),
  };
}
