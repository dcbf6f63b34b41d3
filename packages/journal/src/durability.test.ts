import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { array, assert, asyncProperty, integer, nat } from "fast-check";
import { expect, test } from "vitest";
import { openJournal } from "./index.ts";
import { openWalSync, type WalSync } from "./wal-sync.ts";

/* What was resolved has to be on the disk. The disk is modelled by copies: it has what the files held when a sync began. */

const parts = { money: ["CREATE TABLE money (id INTEGER PRIMARY KEY, rest BLOB) STRICT"] };
const folder = () => mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "journal-durable-"));

/** A log whose syncs copy the files and end when the test says so. */
function slowSync(path: string, disk: string) {
  const ends: (() => void)[] = [];
  let syncs = 0;
  let newest = 0;
  let failing = false;
  const copy = () => {
    newest = syncs;
    for (const suffix of ["", "-wal"]) {
      copyFileSync(path + suffix, disk + suffix);
    }
  };
  const open = (): WalSync => ({
    whenDone() {
      syncs += 1;
      const number = syncs;
      const before = `${disk}.${number}`;
      for (const suffix of ["", "-wal"]) {
        copyFileSync(path + suffix, before + suffix);
      }
      return new Promise((resolve, reject) => {
        ends.push(() => {
          for (const suffix of number > newest ? ["", "-wal"] : []) {
            copyFileSync(before + suffix, disk + suffix);
          }
          newest = Math.max(newest, number);
          if (failing) {
            reject(new Error("EIO: i/o error, fdatasync"));
          } else {
            resolve();
          }
        });
      });
    },
    now() {
      syncs += 1;
      if (failing) {
        throw new Error("EIO: i/o error, fdatasync");
      }
      copy();
    },
    close: () => undefined,
  });
  return {
    open,
    copy,
    ends,
    syncs: () => syncs,
    fail() {
      failing = true;
    },
  };
}

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
};

function idsOn(disk: string): bigint[] {
  // A copy, since opening it changes it.
  const copy = `${disk}-opened`;
  for (const suffix of ["", "-wal"]) {
    copyFileSync(disk + suffix, copy + suffix);
  }
  const journal = openJournal({ path: copy, parts });
  const ids = journal.db.prepare("SELECT id FROM money ORDER BY id").all();
  journal.close();
  return ids.map(({ id }) => BigInt(String(id)));
}

test("nothing is confirmed before the sync that began after it has ended", async () => {
  const home = folder();
  const [path, disk] = [join(home, "a"), join(home, "disk")];
  const slow = slowSync(path, disk);
  const journal = openJournal({ path, parts }, { openWalSync: slow.open });
  const insert = journal.db.prepare("INSERT INTO money VALUES (?, x'00')");
  const confirmed: number[] = [];
  const write = (id: number) => journal.record(() => insert.run(id)).then(() => confirmed.push(id));
  const first = write(1);
  await turns(3);
  // While the first sync is under way.
  const second = [write(2), write(3)];
  await turns(3);
  expect(confirmed).toEqual([]);
  expect(slow.syncs()).toBe(1);
  slow.ends[0]?.();
  await first;
  expect(confirmed).toEqual([1]);
  await turns(3);
  expect(confirmed).toEqual([1]);
  expect(slow.syncs()).toBe(2);
  slow.ends[1]?.();
  await Promise.all(second);
  expect(idsOn(disk)).toEqual([1n, 2n, 3n]);
  journal.close();
  rmSync(home, { recursive: true });
});

test("what a copy of the disk has at any moment holds everything that was confirmed by then", async () => {
  const step = array(nat({ max: 3 }), { minLength: 1, maxLength: 30 });
  await assert(
    asyncProperty(step, integer({ min: 1, max: 60_000 }), async (actions, size) => {
      const home = folder();
      const [path, disk] = [join(home, "a"), join(home, "disk")];
      const slow = slowSync(path, disk);
      const journal = openJournal({ path, parts }, { openWalSync: slow.open });
      slow.copy();
      // Rows large enough that the log is checkpointed and begun anew within a history.
      journal.db.exec("PRAGMA wal_autocheckpoint=20");
      const insert = journal.db.prepare("INSERT INTO money VALUES (?, zeroblob(?))");
      const confirmed = new Set<bigint>();
      const all: Promise<unknown>[] = [];
      for (const [index, action] of actions.entries()) {
        const id = BigInt(index);
        if (action === 0) {
          journal.recordNow(() => insert.run(id, size));
          confirmed.add(id);
        } else if (action === 1) {
          slow.ends.shift()?.();
          await turns(2);
        } else {
          all.push(journal.record(() => insert.run(id, size)).then(() => confirmed.add(id)));
          await turns(action - 2);
        }
        const there = new Set(idsOn(disk));
        expect([...confirmed].filter((one) => !there.has(one))).toEqual([]);
      }
      for (let i = 0; i < 100 && slow.ends.length > 0; i++) {
        slow.ends.shift()?.();
        await turns(2);
      }
      journal.close();
      await Promise.all(all);
      rmSync(home, { recursive: true });
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("a disk that failed once is not trusted again", async () => {
  const home = folder();
  const [path, disk] = [join(home, "a"), join(home, "disk")];
  const slow = slowSync(path, disk);
  const journal = openJournal({ path, parts }, { openWalSync: slow.open });
  const insert = journal.db.prepare("INSERT INTO money VALUES (?, x'00')");
  slow.fail();
  const lost = journal.record(() => insert.run(1));
  const refused = expect(lost).rejects.toMatchObject({ code: "journal.notDurable" });
  await turns(3);
  slow.ends[0]?.();
  await refused;
  await expect(journal.record(() => insert.run(2))).rejects.toMatchObject({ code: "journal.notDurable" });
  expect(() => journal.recordNow(() => insert.run(3))).toThrow("did not keep");
  await expect(journal.settled()).rejects.toMatchObject({ code: "journal.notDurable" });
  journal.close();
  rmSync(home, { recursive: true });
});

test("reads can wait for the disk", async () => {
  const home = folder();
  const [path, disk] = [join(home, "a"), join(home, "disk")];
  const slow = slowSync(path, disk);
  const journal = openJournal({ path, parts }, { openWalSync: slow.open });
  const insert = journal.db.prepare("INSERT INTO money VALUES (?, x'00')");
  journal.record(() => insert.run(1)).catch(() => undefined);
  await turns(3);
  expect(journal.db.prepare("SELECT count(*) AS n FROM money").get()?.n).toBe(1n);
  let settled = false;
  const waiting = journal.settled().then(() => {
    settled = true;
  });
  await turns(3);
  expect(settled).toBe(false);
  slow.ends[0]?.();
  await waiting;
  journal.close();
  rmSync(home, { recursive: true });
});

const writer = (path: string) => `
  import { openJournal } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
  const journal = openJournal({ path: ${JSON.stringify(path)}, parts: ${JSON.stringify(parts)} });
  const insert = journal.db.prepare("INSERT INTO money VALUES (?, zeroblob(3000))");
  let id = 0;
  const caller = async () => {
    for (;;) {
      const mine = id++;
      await journal.record(() => insert.run(mine));
      process.stdout.write(mine + "\\n");
    }
  };
  await Promise.all(Array.from({ length: 8 }, caller));
`;

test.each([40, 90, 160])("a process killed after %i ms of work has lost nothing that it announced", async (ms) => {
  const home = folder();
  const path = join(home, "a");
  const child = spawn(process.execPath, ["--conditions=source", "--input-type=module", "-e", writer(path)]);
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += String(chunk);
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await sleep(ms);
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await ended;
  const announced = said.slice(0, said.lastIndexOf("\n")).split("\n").map(BigInt);
  expect(announced.length).toBeGreaterThan(8);
  const there = new Set(idsOn(path));
  expect(announced.filter((id) => !there.has(id))).toEqual([]);
  rmSync(home, { recursive: true });
});

test("a sync of a real log resolves", async () => {
  const home = folder();
  const journal = openJournal({ path: join(home, "a"), parts });
  const log = openWalSync(join(home, "a"));
  await log.whenDone();
  log.now();
  log.close();
  journal.close();
  rmSync(home, { recursive: true });
});
