import { mkdtempSync, readFileSync as readWhole } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { array, assert, asyncProperty, constantFrom, integer, record } from "fast-check";
import { expect, test } from "vitest";
import { type ChangeLog, fenced, type JournalParts, openJournal, restoreJournal } from "./index.ts";

/* What a change log has acknowledged is what a journal made from it holds: no less, no more than was sent. */

const parts: JournalParts = {
  money: ["CREATE TABLE money (id TEXT PRIMARY KEY, amount INTEGER NOT NULL, note BLOB) STRICT"],
};
const home = () => mkdtempSync(join(tmpdir(), "change-log-"));

/** A log in memory that forgets what a snapshot covers, and dies when told. */
function memoryLog(snapshotEvery: number) {
  let snapshot: Uint8Array | null = null;
  let groups: Uint8Array[] = [];
  let dead = false;
  const log: ChangeLog = {
    wantsSnapshot: () => groups.length >= snapshotEvery,
    async append(entry) {
      await new Promise((resolve) => setImmediate(resolve));
      if (dead) {
        throw fenced("memory");
      }
      groups = entry.snapshot === null ? [...groups, entry.changes] : [];
      snapshot = entry.snapshot ?? snapshot;
    },
  };
  return {
    log,
    begin(bytes: Uint8Array) {
      snapshot = bytes;
    },
    die() {
      dead = true;
    },
    restore: (path: string) => restoreJournal(path, snapshot, groups),
  };
}

function openOver(path: string, memory: ReturnType<typeof memoryLog>) {
  restoreJournal(path, null, []);
  openJournal({ path, parts }).close();
  memory.begin(readWhole(path));
  return openJournal({ path, parts }, { changeLog: memory.log });
}

const rowsOf = (path: string) => {
  const journal = openJournal({ path, parts });
  const rows = journal.db.prepare("SELECT id, amount FROM money ORDER BY id").all();
  journal.close();
  return rows.map(({ id, amount }) => `${id}=${amount}`);
};

test("a journal made from the log holds what was acknowledged, whatever was written and wherever it ended", async () => {
  const step = record({
    kind: constantFrom("put", "put", "now", "drop", "undo"),
    id: integer({ min: 0, max: 6 }),
    amount: integer({ min: 1, max: 1000 }),
  });
  await assert(
    asyncProperty(
      array(step, { minLength: 1, maxLength: 40 }),
      integer({ min: 1, max: 12 }),
      integer({ min: 0, max: 40 }),
      async (steps, every, end) => {
        const folder = home();
        const memory = memoryLog(every);
        const journal = openOver(join(folder, "a"), memory);
        const put = journal.db.prepare(
          "INSERT INTO money VALUES (?, ?, x'00') ON CONFLICT (id) DO UPDATE SET amount = excluded.amount",
        );
        const drop = journal.db.prepare("DELETE FROM money WHERE id = ?");
        const wanted = new Map<string, number>();
        for (const [index, { kind, id, amount }] of steps.entries()) {
          if (index === end) {
            break;
          }
          const key = `k${id}`;
          if (kind === "now") {
            journal.recordNow(() => put.run(key, amount));
            wanted.set(key, amount);
          } else if (kind === "drop") {
            await journal.record(() => drop.run(key));
            wanted.delete(key);
          } else if (kind === "undo") {
            const undone = journal.record(() => {
              put.run(key, amount);
              throw new Error("undone");
            });
            await expect(undone).rejects.toThrow("undone");
          } else {
            await journal.record(() => put.run(key, amount));
            wanted.set(key, amount);
          }
        }
        await journal.settled();
        memory.die();
        // Never acknowledged, so it may not be there; here the log has not taken it.
        await expect(journal.record(() => put.run("late", 1))).rejects.toMatchObject({ code: "journal.fenced" });
        const adopted = join(folder, "b");
        memory.restore(adopted);
        expect(rowsOf(adopted)).toEqual([...wanted].map(([id, amount]) => `${id}=${amount}`).sort());
        journal.close();
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

test("a journal whose log was taken over writes nothing more", async () => {
  const memory = memoryLog(100);
  const journal = openOver(join(home(), "a"), memory);
  const put = journal.db.prepare("INSERT INTO money VALUES (?, 1, NULL)");
  await journal.record(() => put.run("a"));
  memory.die();
  const together = [journal.record(() => put.run("b")), journal.record(() => put.run("c"))];
  for (const result of await Promise.allSettled(together)) {
    expect(result).toMatchObject({ status: "rejected", reason: { code: "journal.fenced" } });
  }
  await expect(journal.record(() => put.run("d"))).rejects.toMatchObject({ code: "journal.fenced" });
  expect(() => journal.recordNow(() => put.run("e"))).toThrow("taken over");
  await expect(journal.settled()).rejects.toMatchObject({ code: "journal.fenced" });
  journal.close();
});

test("tables whose changes cannot be seen are refused, and so are changes that do not fit", async () => {
  const memory = memoryLog(100);
  const path = join(home(), "a");
  const keyless = { money: ["CREATE TABLE money (id TEXT)"] };
  expect(() => openJournal({ path, parts: keyless }, { changeLog: memory.log })).toThrow("no primary key");
  const journal = openOver(join(home(), "b"), memory);
  await journal.record(() => journal.db.exec("INSERT INTO money VALUES ('a', 1, NULL)"));
  journal.close();
  const other = memoryLog(100);
  openOver(join(home(), "c"), other).close();
  const groups: Uint8Array[] = [];
  const copying = openJournal(
    { path: join(home(), "d"), parts },
    { changeLog: { wantsSnapshot: () => false, append: async ({ changes }) => void groups.push(changes) } },
  );
  await copying.record(() => copying.db.exec("INSERT INTO money VALUES ('a', 1, NULL)"));
  await copying.record(() => copying.db.exec("UPDATE money SET amount = 2"));
  copying.close();
  const [, update] = groups;
  const target = join(home(), "e");
  openJournal({ path: target, parts }).close();
  const empty = readWhole(target);
  expect(() => restoreJournal(target, empty, update === undefined ? [] : [update])).toThrow("does not fit");
});
