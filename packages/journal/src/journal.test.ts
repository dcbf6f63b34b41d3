import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DepinferError } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { moneyColumn, openJournal } from "./index.ts";

const migrations = ["CREATE TABLE money (id TEXT PRIMARY KEY, amount INTEGER NOT NULL) STRICT"];
const fresh = () => join(mkdtempSync(join(tmpdir(), "journal-")), "deep", "money.sqlite");

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof DepinferError ? error.code : String(error);
  }
  return "no error";
}

test("what was recorded is there after reopening", async () => {
  const path = fresh();
  const journal = openJournal({ path, migrations });
  const insert = journal.db.prepare("INSERT INTO money VALUES (?, ?)");
  await Promise.all([journal.record(() => insert.run("a", 5n)), journal.record(() => insert.run("b", 7n))]);
  journal.close();
  const again = openJournal({ path, migrations });
  const rows = again.db.prepare("SELECT * FROM money ORDER BY id").all();
  expect(rows.map((row) => moneyColumn(row, "amount"))).toEqual([5n, 7n]);
  again.close();
});

test("a failing step of a shared transaction is undone alone", async () => {
  const journal = openJournal({ path: fresh(), migrations });
  const insert = journal.db.prepare("INSERT INTO money VALUES (?, ?)");
  const results = await Promise.allSettled([
    journal.record(() => insert.run("a", 1n)),
    journal.record(() => {
      insert.run("b", 2n);
      throw new Error("changed my mind");
    }),
    journal.record(() => insert.run("c", 3n)),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(
    journal.db
      .prepare("SELECT id FROM money ORDER BY id")
      .all()
      .map(({ id }) => id),
  ).toEqual(["a", "c"]);
  journal.close();
});

test("a record that comes after the end is rejected, and nothing else happens", async () => {
  const journal = openJournal({ path: fresh(), migrations });
  const insert = journal.db.prepare("INSERT INTO money VALUES (?, ?)");
  journal.close();
  await expect(journal.record(() => insert.run("late", 1n))).rejects.toThrow();
});

test("a process killed after a record loses nothing that was confirmed", () => {
  const path = fresh();
  const script = `
    import { openJournal } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
    const journal = openJournal({ path: ${JSON.stringify(path)}, migrations: ${JSON.stringify(migrations)} });
    const insert = journal.db.prepare("INSERT INTO money VALUES (?, ?)");
    for (let i = 0; i < 20; i++) await journal.record(() => insert.run("k" + i, BigInt(i)));
    process.kill(process.pid, "SIGKILL");
  `;
  expect(() =>
    execFileSync(process.execPath, ["--conditions=source", "--input-type=module", "-e", script], { stdio: "pipe" }),
  ).toThrow();
  const journal = openJournal({ path, migrations });
  expect(journal.db.prepare("SELECT count(*) AS n FROM money").get()?.n).toBe(20n);
  journal.close();
});

test("a journal has one owner", () => {
  const path = fresh();
  const journal = openJournal({ path, migrations });
  expect(codeOf(() => openJournal({ path, migrations }))).toBe("journal.locked");
  journal.close();
  openJournal({ path, migrations }).close();
});

test("a journal from a newer version is refused and left as it was", () => {
  const path = fresh();
  openJournal({ path, migrations: [...migrations, "CREATE TABLE later (id TEXT)"] }).close();
  const before = readFileSync(path);
  expect(codeOf(() => openJournal({ path, migrations }))).toBe("journal.newer");
  expect(readFileSync(path).equals(before)).toBe(true);
});

test.each([
  [
    "overwritten",
    (path: string) => writeFileSync(path, "not a database at all, but long enough to be read as one ".repeat(20)),
  ],
  ["truncated", (path: string) => truncateSync(path, 5000)],
  [
    "flipped",
    (path: string) => {
      const bytes = readFileSync(path);
      bytes.fill(0xff, 4096, 4400);
      writeFileSync(path, bytes);
    },
  ],
])("a journal that was %s is called corrupt", (_how, damage) => {
  const path = fresh();
  const journal = openJournal({ path, migrations });
  const insert = journal.db.prepare("INSERT INTO money VALUES (?, ?)");
  journal.recordNow(() => {
    for (let i = 0; i < 500; i++) {
      insert.run(`key-${i}`, BigInt(i));
    }
  });
  journal.close();
  damage(path);
  expect(codeOf(() => openJournal({ path, migrations }))).toBe("journal.corrupt");
});
