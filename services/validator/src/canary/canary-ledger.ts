import { countColumn, type Journal, textColumn } from "@depinfer/journal";
import { digestSha256, type Hex, toHex, utf8 } from "@depinfer/protocol";

/** What a validator has to remember of its canaries; a part of its journal. */
export const CANARIES_MIGRATION = `CREATE TABLE canary_identities (
     number INTEGER PRIMARY KEY,
     funds INTEGER NOT NULL                   -- most that it can spend, in units
   ) STRICT;
   CREATE TABLE canary_texts (hash TEXT PRIMARY KEY) STRICT;
   CREATE TABLE canaries (
     request_id TEXT PRIMARY KEY,
     provider TEXT NOT NULL,
     verdict TEXT NOT NULL,
     reason TEXT NOT NULL,
     file TEXT NOT NULL                       -- what /v1/receipts/ID would say: all that is needed to judge again
   ) STRICT`;

export interface JudgedCanary {
  readonly requestId: Hex;
  readonly provider: Hex;
  readonly verdict: "pass" | "inconclusive" | "fail";
  readonly reason: string;
  /** JSON. */
  readonly file: string;
}

export interface CanaryLedger {
  /** Units that all identities together may have spent. */
  committed(): bigint;
  /** Takes the number of the next identity and sets its funds aside, before anything is sent to it. */
  nextIdentity(funds: bigint): Promise<number>;
  /** Whether a text was never asked; it counts as asked from now on. */
  isFresh(text: string): boolean;
  save(canary: JudgedCanary): Promise<void>;
  counts(): Readonly<Record<string, number>>;
  /** Receipt files of failures, oldest first. */
  failures(): readonly string[];
}

export function createCanaryLedger(journal: Journal): CanaryLedger {
  const { db } = journal;
  const sql = {
    committed: db.prepare("SELECT coalesce(sum(funds), 0) AS funds FROM canary_identities"),
    next: db.prepare("INSERT INTO canary_identities (funds) VALUES (?) RETURNING number"),
    text: db.prepare("INSERT INTO canary_texts VALUES (?) ON CONFLICT DO NOTHING"),
    save: db.prepare("INSERT INTO canaries VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"),
    counts: db.prepare("SELECT verdict, count(*) AS n FROM canaries GROUP BY verdict"),
    failures: db.prepare("SELECT file FROM canaries WHERE verdict = 'fail' ORDER BY rowid"),
  };
  return {
    committed: () => BigInt(countColumn(sql.committed.get() ?? {}, "funds")),
    nextIdentity: (funds) => journal.record(() => countColumn(sql.next.get(funds) ?? {}, "number")),
    isFresh: (text) => journal.recordNow(() => sql.text.run(toHex(digestSha256(utf8(text)))).changes > 0),
    save: ({ requestId, provider, verdict, reason, file }) =>
      journal.record(() => {
        sql.save.run(requestId, provider, verdict, reason, file);
      }),
    counts: () => Object.fromEntries(sql.counts.all().map((row) => [String(row.verdict), countColumn(row, "n")])),
    failures: () => sql.failures.all().map((row) => textColumn(row, "file")),
  };
}
