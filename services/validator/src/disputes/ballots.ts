import type { Ballot } from "@depinfer/chain";
import { countColumn, hexColumn, type Journal, textColumn } from "@depinfer/journal";
import { bytes32Schema, type Hex } from "@depinfer/protocol";
import { z } from "zod";

/** A version of the validator's journal. */
export const BALLOTS_MIGRATION = `CREATE TABLE ballots (
   dispute TEXT NOT NULL,
   round INTEGER NOT NULL,
   ballot TEXT NOT NULL,
   PRIMARY KEY (dispute, round)
 ) STRICT`;

const count = z.int().min(0);
const ballotSchema = z.strictObject({
  verdict: z.enum(["pass", "inconclusive", "fail"]),
  tokens: count,
  mismatches: count,
  marginMicros: z.coerce.bigint(),
  salt: bytes32Schema,
});

export interface StoredBallot {
  readonly dispute: Hex;
  readonly round: number;
  readonly ballot: Ballot;
}

/**
 * What a juror committed to, kept before the commitment is sent: a juror that forgets its salt cannot reveal, and loses
 * stake.
 */
export interface Ballots {
  of(dispute: Hex, round: number): Ballot | undefined;
  /** Keeps the first ballot of a round; a later one changes nothing. Resolves when it is on disk. */
  save(dispute: Hex, round: number, ballot: Ballot): Promise<void>;
  all(): readonly StoredBallot[];
}

export function createBallots(journal: Journal): Ballots {
  const sql = {
    of: journal.db.prepare("SELECT ballot FROM ballots WHERE dispute = ? AND round = ?"),
    save: journal.db.prepare("INSERT INTO ballots VALUES (?, ?, ?) ON CONFLICT DO NOTHING"),
    all: journal.db.prepare("SELECT dispute, round, ballot FROM ballots ORDER BY rowid"),
  };
  const parse = (text: string): Ballot => ballotSchema.parse(JSON.parse(text));
  return {
    of(dispute, round) {
      const row = sql.of.get(dispute, round);
      return row === undefined ? undefined : parse(textColumn(row, "ballot"));
    },
    save: (dispute, round, ballot) =>
      journal.record(() => {
        const text = JSON.stringify({ ...ballot, marginMicros: ballot.marginMicros.toString() });
        sql.save.run(dispute, round, text);
      }),
    all: () =>
      sql.all.all().map((row) => ({
        dispute: hexColumn(row, "dispute"),
        round: countColumn(row, "round"),
        ballot: parse(textColumn(row, "ballot")),
      })),
  };
}
