import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openJournal } from "@depinfer/journal";
import type { Benchmark } from "./benchmark.ts";
import { costOf } from "./measure/cpu.ts";
import { interleave, type Variant } from "./measure/interleave.ts";
import { compared, formatSpread, median, percentile, significant } from "./measure/statistics.ts";

/** Callers that wait for their own writes, as that many requests at once do. */
const CALLERS = [1, 16, 256];
const TABLE =
  "CREATE TABLE money (id INTEGER PRIMARY KEY, channel TEXT NOT NULL, owed INTEGER NOT NULL, rest BLOB) STRICT";
const INSERT = "INSERT INTO money (channel, owed, rest) VALUES ('0x2222222222222222', 5, zeroblob(900))";

interface Sample {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  /** Part of the time in which the event loop could do nothing else, and the longest such piece. */
  readonly blockedShare: number;
  readonly longestBlockMs: number;
  /** Of a write, in ms: half of them, and 99 of 100. */
  readonly p50: number;
  readonly p99: number;
}

interface Store {
  write(): Promise<unknown>;
  close(): void;
}

/** What the journal did before: SQLite syncs at the end of each transaction, and the event loop waits for it. */
function synced(path: string): Store {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; ${TABLE}`);
  const insert = db.prepare(INSERT);
  let waiting: (() => void)[] = [];
  function commit(): void {
    const batch = waiting;
    waiting = [];
    db.exec("BEGIN IMMEDIATE");
    for (const _ of batch) {
      db.exec("SAVEPOINT step");
      insert.run();
      db.exec("RELEASE step");
    }
    db.exec("COMMIT");
    for (const resolve of batch) {
      resolve();
    }
  }
  return {
    write: () =>
      new Promise<void>((resolve) => {
        if (waiting.length === 0) {
          setImmediate(commit);
        }
        waiting.push(resolve);
      }),
    close: () => db.close(),
  };
}

function journalled(path: string): Store {
  const journal = openJournal({ path, parts: { money: [TABLE] } });
  const insert = journal.db.prepare(INSERT);
  return { write: () => journal.record(() => insert.run()), close: () => journal.close() };
}

function variant(name: string, open: (path: string) => Store, callers: number, windowMs: number): Variant<Sample> {
  return {
    name,
    async measure() {
      const home = mkdtempSync(join(tmpdir(), "depinfer-bench-journal-"));
      const store = open(join(home, "journal.sqlite"));
      const times: number[] = [];
      const end = performance.now() + windowMs;
      const turns = watchTurns();
      const { cpuMicros, wallMicros } = await costOf(() =>
        Promise.all(
          Array.from({ length: callers }, async () => {
            while (performance.now() < end) {
              const started = performance.now();
              await store.write();
              times.push(performance.now() - started);
            }
          }),
        ),
      );
      const { busyShare, longestMs } = turns.stop();
      store.close();
      rmSync(home, { recursive: true });
      return {
        perSecond: (times.length / wallMicros) * 1e6,
        perCpuSecond: (times.length / cpuMicros) * 1e6,
        blockedShare: busyShare,
        longestBlockMs: longestMs,
        p50: percentile(times, 0.5),
        p99: percentile(times, 0.99),
      };
    },
  };
}

/** How long the event loop works without a look at anything else. */
function watchTurns(): { stop(): { readonly busyShare: number; readonly longestMs: number } } {
  const before = performance.eventLoopUtilization();
  let longestMs = 0;
  let last = performance.now();
  let running = true;
  const turn = () => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last);
    last = now;
    if (running) {
      timer = setTimeout(turn, 0);
    }
  };
  let timer = setTimeout(turn, 0);
  return {
    stop() {
      running = false;
      clearTimeout(timer);
      return { busyShare: performance.eventLoopUtilization(before).utilization, longestMs };
    },
  };
}

export const journal: Benchmark = {
  name: "journal",
  description: "durable writes per second, with the disk awaited beside the event loop, against inside of it",
  async run({ quick, progress }) {
    const rounds = quick ? 2 : 9;
    const windowMs = quick ? 200 : 1_000;
    const variants = CALLERS.flatMap((callers) => [
      variant(`full ${callers}`, synced, callers, windowMs),
      variant(`ours ${callers}`, journalled, callers, windowMs),
    ]);
    const samples = await interleave(variants, rounds, progress);
    const rows = CALLERS.map((callers) => {
      const ours = (figure: (sample: Sample) => number) => samples.of(`ours ${callers}`, figure);
      const full = (figure: (sample: Sample) => number) => samples.of(`full ${callers}`, figure);
      const middle = (values: readonly number[]) => significant(median(values));
      return {
        callers,
        oursPerSecond: middle(ours(({ perSecond }) => perSecond)),
        fullPerSecond: middle(full(({ perSecond }) => perSecond)),
        timesMore: formatSpread(
          compared(
            ours(({ perSecond }) => perSecond),
            full(({ perSecond }) => perSecond),
          ),
        ),
        oursLoopBusy: middle(ours(({ blockedShare }) => blockedShare)),
        fullLoopBusy: middle(full(({ blockedShare }) => blockedShare)),
        oursLongestMs: middle(ours(({ longestBlockMs }) => longestBlockMs)),
        fullLongestMs: middle(full(({ longestBlockMs }) => longestBlockMs)),
        oursP50Ms: middle(ours(({ p50 }) => p50)),
        fullP50Ms: middle(full(({ p50 }) => p50)),
        oursP99Ms: middle(ours(({ p99 }) => p99)),
        fullP99Ms: middle(full(({ p99 }) => p99)),
        oursPerCpuSecond: middle(ours(({ perCpuSecond }) => perCpuSecond)),
        fullPerCpuSecond: middle(full(({ perCpuSecond }) => perCpuSecond)),
      };
    });
    const [alone, , many] = rows;
    return {
      rounds,
      rows,
      summary: {
        durablePerSecond1: alone?.oursPerSecond ?? null,
        durablePerSecond256: many?.oursPerSecond ?? null,
        fullPerSecond1: alone?.fullPerSecond ?? null,
        fullPerSecond256: many?.fullPerSecond ?? null,
        loopBusy1: alone?.oursLoopBusy ?? null,
        fullLoopBusy1: alone?.fullLoopBusy ?? null,
      },
    };
  },
};
