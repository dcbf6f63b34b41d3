import { randomUUID } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  type ChangeLog,
  fenced,
  type Journal,
  type JournalParts,
  openJournal,
  restoreJournal,
} from "@depinfer/journal";
import { errorMessage, type Log } from "@depinfer/protocol";
import { bytesValue, wholeValue } from "./columns.ts";
import type { SharedDatabase } from "./postgres.ts";

/** One journal of money that lives in the database. One process has it at a time. */
export interface Seat {
  readonly id: bigint;
  /** Counts the seat's owners. */
  readonly epoch: bigint;
  readonly journal: Journal;
  /** Aborted once another process has taken the seat, or the database has not kept a group; nothing is written any more. */
  readonly lost: AbortSignal;
  /** Lets another process take it at once. Everything that was recorded is in the database by then. */
  release(): Promise<void>;
}

/** Seats of this process. */
export interface Seats {
  /** Names this process among those that share the database. */
  readonly holder: string;
  /**
   * Takes a seat of this process's own: a free one, one that was left by a process that ended, one that another process
   * looks after, or a new one.
   */
  takeOwn(): Promise<Seat>;
  /** Takes a seat whose process has ended, or null when there is none. */
  adopt(): Promise<Seat | null>;
  /** Keeps the leases of all seats of this process. Resolves with the adopted ones that another process waits for. */
  beat(): Promise<readonly bigint[]>;
  /** Processes that keep a lease now, as of the last beat. */
  alive(): ReadonlySet<string>;
}

export interface SeatsModules {
  readonly database: SharedDatabase;
  readonly log: Log;
}

export interface SeatsOptions {
  /** Folder for working copies. */
  readonly folder: string;
  readonly parts: JournalParts;
  /** For how long a process that is not heard of keeps its seats, in ms. */
  readonly leaseMs?: number;
  /** For how long a group is tried again while the database does not answer, in ms. */
  readonly patienceMs?: number;
  /** Groups after which a snapshot is taken. */
  readonly snapshotEvery?: number;
}

const LEASE_MS = 10_000;
const PATIENCE_MS = 8_000;
/** Bounds what an adopter has to replay, and what the log takes. */
const SNAPSHOT_EVERY = 2_000;
const RETRY_MS = 200;
/** How long a process that starts waits for a seat that another one looks after. */
const WAIT_FOR_SEAT_MS = 8_000;
const POLL_MS = 250;

export function createSeats({ database, log }: SeatsModules, options: SeatsOptions): Seats {
  const { leaseMs = LEASE_MS, patienceMs = PATIENCE_MS, snapshotEvery = SNAPSHOT_EVERY } = options;
  const holder = randomUUID();
  const lease = `now() + interval '${leaseMs} milliseconds'`;
  const FREE = "(holder IS NULL OR expires_at < now())";
  let living: ReadonlySet<string> = new Set([holder]);

  /** Takes one seat that `where` holds for. Rows that another process takes at the moment are passed over. */
  async function claim(where: string, adopted: boolean): Promise<Seat | null> {
    const [row] = await database.query(
      `UPDATE journal_seats SET epoch = epoch + 1, holder = $1, adopted = $2, wanted_until = NULL, expires_at = ${lease}
       WHERE id = (SELECT id FROM journal_seats WHERE ${where} ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING id, epoch, last_seq`,
      [holder, adopted],
    );
    return row === undefined
      ? null
      : openOrLeave(wholeValue(row, "id"), wholeValue(row, "epoch"), wholeValue(row, "last_seq"));
  }

  async function leave(id: bigint, epoch: bigint): Promise<void> {
    await database.query("UPDATE journal_seats SET holder = NULL, adopted = false WHERE id = $1 AND epoch = $2", [
      id,
      epoch,
    ]);
  }

  /** A seat that cannot be opened is left to others instead of being kept by the beats of this process. */
  async function openOrLeave(id: bigint, epoch: bigint, lastSeq: bigint): Promise<Seat> {
    try {
      return await open(id, epoch, lastSeq);
    } catch (error) {
      await leave(id, epoch).catch(() => undefined);
      throw error;
    }
  }

  async function open(id: bigint, epoch: bigint, lastSeq: bigint): Promise<Seat> {
    const path = join(options.folder, `seat-${id}-${holder}.sqlite`);
    const [snapshot] = await database.query("SELECT seq, bytes FROM journal_snapshots WHERE seat = $1", [id]);
    const since = snapshot === undefined ? 0n : wholeValue(snapshot, "seq");
    const groups = await database.query("SELECT changes FROM journal_log WHERE seat = $1 AND seq > $2 ORDER BY seq", [
      id,
      since,
    ]);
    restoreJournal(
      path,
      snapshot === undefined ? null : bytesValue(snapshot, "bytes"),
      groups.map((row) => bytesValue(row, "changes")),
    );
    const lost = new AbortController();
    let seq = lastSeq;
    let sinceSnapshot = groups.length;

    async function append(changes: Uint8Array, bytes: Uint8Array | null): Promise<void> {
      seq += 1n;
      const mine = seq;
      const deadline = Date.now() + patienceMs;
      for (;;) {
        try {
          await (bytes === null ? appendGroup(id, epoch, mine, changes) : appendSnapshot(id, epoch, mine, bytes));
          return;
        } catch (error) {
          if (!lost.signal.aborted && Date.now() < deadline && !isFenced(error)) {
            log("warn", `seat ${id}: a group will be sent again: ${errorMessage(error)}`);
            await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
            continue;
          }
          lost.abort(error);
          throw error;
        }
      }
    }

    const changeLog: ChangeLog = {
      wantsSnapshot() {
        sinceSnapshot += 1;
        const due = sinceSnapshot >= snapshotEvery;
        sinceSnapshot = due ? 0 : sinceSnapshot;
        return due;
      },
      append: ({ changes, snapshot: bytes }) => append(changes, bytes),
    };
    // Opened once without a log, for its tables: changes of a schema are not in changesets.
    const settingUp = openJournal({ path, parts: options.parts });
    settingUp.close();
    await append(new Uint8Array(), readFileSync(path));
    const journal = openJournal({ path, parts: options.parts }, { changeLog });
    return {
      id,
      epoch,
      journal,
      lost: lost.signal,
      async release() {
        await journal.settled().catch(() => undefined);
        journal.close();
        lost.abort(new Error("released"));
        await leave(id, epoch);
        rmSync(path, { force: true });
      },
    };
  }

  /** The row of the seat is locked while it is written, so that whoever takes the seat reads every group or waits for it. */
  async function appendGroup(id: bigint, epoch: bigint, seq: bigint, changes: Uint8Array): Promise<void> {
    const done = await database.query(
      `WITH owned AS (UPDATE journal_seats SET last_seq = $3 WHERE id = $1 AND epoch = $2 RETURNING id)
       INSERT INTO journal_log (seat, seq, epoch, changes) SELECT id, $3, $2, $4 FROM owned
       ON CONFLICT (seat, seq) DO UPDATE SET epoch = excluded.epoch RETURNING seq`,
      [id, epoch, seq, changes],
    );
    if (done.length === 0) {
      throw fenced(`of seat ${id}`);
    }
  }

  async function appendSnapshot(id: bigint, epoch: bigint, seq: bigint, bytes: Uint8Array): Promise<void> {
    await database.transaction(async (query) => {
      const owned = await query("UPDATE journal_seats SET last_seq = $3 WHERE id = $1 AND epoch = $2 RETURNING id", [
        id,
        epoch,
        seq,
      ]);
      if (owned.length === 0) {
        throw fenced(`of seat ${id}`);
      }
      await query(
        `INSERT INTO journal_snapshots VALUES ($1, $2, $3)
         ON CONFLICT (seat) DO UPDATE SET seq = excluded.seq, bytes = excluded.bytes`,
        [id, seq, bytes],
      );
      await query("DELETE FROM journal_log WHERE seat = $1 AND seq <= $2", [id, seq]);
    });
  }

  return {
    holder,
    async takeOwn() {
      const free = await claim(FREE, false);
      if (free !== null) {
        return free;
      }
      const [wanted] = await database.query(
        `UPDATE journal_seats SET wanted_until = now() + interval '${WAIT_FOR_SEAT_MS} milliseconds'
         WHERE id = (SELECT id FROM journal_seats WHERE adopted AND (wanted_until IS NULL OR wanted_until < now())
                     ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id`,
      );
      if (wanted !== undefined) {
        const deadline = Date.now() + WAIT_FOR_SEAT_MS;
        while (Date.now() < deadline) {
          const seat = await claim(`${FREE} AND id = ${wholeValue(wanted, "id")}`, false);
          if (seat !== null) {
            return seat;
          }
          await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        }
      }
      const [made] = await database.query(
        `INSERT INTO journal_seats (epoch, holder, expires_at) VALUES (1, $1, ${lease}) RETURNING id`,
        [holder],
      );
      return openOrLeave(wholeValue(made ?? {}, "id"), 1n, 0n);
    },
    adopt: () => claim(`${FREE} AND (wanted_until IS NULL OR wanted_until < now())`, true),
    async beat() {
      const mine = await database.query(
        `UPDATE journal_seats SET expires_at = ${lease} WHERE holder = $1
         RETURNING id, adopted, coalesce(wanted_until > now(), false) AS wanted`,
        [holder],
      );
      const holders = await database.query("SELECT DISTINCT holder FROM journal_seats WHERE expires_at > now()");
      living = new Set([holder, ...holders.map((row) => String(row.holder))]);
      return mine
        .filter(({ adopted, wanted }) => adopted === true && wanted === true)
        .map((row) => wholeValue(row, "id"));
    },
    alive: () => living,
  };
}

function isFenced(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "journal.fenced";
}
