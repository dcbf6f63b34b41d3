import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DepinferError } from "@depinfer/protocol";
import { describe, expect, test } from "vitest";
import { type JournalParts, moneyColumn, openJournal } from "./index.ts";

const create = "CREATE TABLE money (id TEXT PRIMARY KEY, amount INTEGER NOT NULL) STRICT";
const parts = { money: [create] };
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
  const journal = openJournal({ path, parts });
  const insert = journal.db.prepare("INSERT INTO money VALUES (?, ?)");
  await Promise.all([journal.record(() => insert.run("a", 5n)), journal.record(() => insert.run("b", 7n))]);
  journal.close();
  const again = openJournal({ path, parts });
  const rows = again.db.prepare("SELECT * FROM money ORDER BY id").all();
  expect(rows.map((row) => moneyColumn(row, "amount"))).toEqual([5n, 7n]);
  again.close();
});

test("a failing step of a shared transaction is undone alone", async () => {
  const journal = openJournal({ path: fresh(), parts });
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
  const journal = openJournal({ path: fresh(), parts });
  const insert = journal.db.prepare("INSERT INTO money VALUES (?, ?)");
  journal.close();
  await expect(journal.record(() => insert.run("late", 1n))).rejects.toThrow();
});

test("a process killed after a record loses nothing that was confirmed", () => {
  const path = fresh();
  const script = `
    import { openJournal } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
    const journal = openJournal({ path: ${JSON.stringify(path)}, parts: ${JSON.stringify(parts)} });
    const insert = journal.db.prepare("INSERT INTO money VALUES (?, ?)");
    for (let i = 0; i < 20; i++) await journal.record(() => insert.run("k" + i, BigInt(i)));
    process.kill(process.pid, "SIGKILL");
  `;
  expect(() =>
    execFileSync(process.execPath, ["--conditions=source", "--input-type=module", "-e", script], { stdio: "pipe" }),
  ).toThrow();
  const journal = openJournal({ path, parts });
  expect(journal.db.prepare("SELECT count(*) AS n FROM money").get()?.n).toBe(20n);
  journal.close();
});

test("a journal has one owner", () => {
  const path = fresh();
  const journal = openJournal({ path, parts });
  expect(codeOf(() => openJournal({ path, parts }))).toBe("journal.locked");
  journal.close();
  openJournal({ path, parts }).close();
});

test("a journal from a newer version is refused and left as it was", () => {
  const path = fresh();
  openJournal({ path, parts: { money: [create, "CREATE TABLE later (id TEXT)"] } }).close();
  const before = readFileSync(path);
  expect(codeOf(() => openJournal({ path, parts }))).toBe("journal.newer");
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
  const journal = openJournal({ path, parts });
  const insert = journal.db.prepare("INSERT INTO money VALUES (?, ?)");
  journal.recordNow(() => {
    for (let i = 0; i < 500; i++) {
      insert.run(`key-${i}`, BigInt(i));
    }
  });
  journal.close();
  damage(path);
  expect(codeOf(() => openJournal({ path, parts }))).toBe("journal.corrupt");
});

describe("parts of a journal", () => {
  const gateway = ["CREATE TABLE keys (name TEXT) STRICT", "CREATE TABLE answers (id TEXT) STRICT"];
  const tables = (path: string, known: JournalParts) => {
    const journal = openJournal({ path, parts: known });
    const names = journal.db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
    journal.close();
    return names.map(({ name }) => name).filter((name) => name !== "journal_parts");
  };

  test("grow one by one", () => {
    const path = fresh();
    expect(tables(path, { money: [create], gateway: gateway.slice(0, 1) })).toEqual(["keys", "money"]);
    const grown = { money: [create, "CREATE TABLE passes (id TEXT) STRICT"], gateway };
    expect(tables(path, grown)).toEqual(["answers", "keys", "money", "passes"]);
    expect(tables(path, grown)).toEqual(["answers", "keys", "money", "passes"]);
  });

  test("are known by their names, whatever their order", () => {
    const path = fresh();
    expect(tables(path, { money: [create], gateway })).toEqual(["answers", "keys", "money"]);
    expect(tables(path, { gateway, money: [create] })).toEqual(["answers", "keys", "money"]);
  });

  test.each([1, 2, 3])("take over a journal of %i versions from before there were parts", (version) => {
    const path = fresh();
    mkdirSync(dirname(path), { recursive: true });
    const old = new DatabaseSync(path);
    for (const sql of [create, ...gateway].slice(0, version)) {
      old.exec(sql);
    }
    old.exec(`INSERT INTO money VALUES ('a', 5); PRAGMA user_version=${version}`);
    old.close();
    const known = { money: [create, "ALTER TABLE money ADD COLUMN pass TEXT"], gateway };
    expect(tables(path, known)).toEqual(["answers", "keys", "money"]);
    const journal = openJournal({ path, parts: known });
    expect(journal.db.prepare("SELECT * FROM money").all()).toMatchObject([{ id: "a", amount: 5n, pass: null }]);
    journal.close();
  });

  test("that this program does not know are not touched", () => {
    const path = fresh();
    tables(path, { money: [create], gateway });
    const before = readFileSync(path);
    expect(codeOf(() => openJournal({ path, parts }))).toBe("journal.newer");
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("change all together or not at all", () => {
    const path = fresh();
    tables(path, parts);
    const broken = { money: [create, "CREATE TABLE good (id TEXT)"], gateway: ["CREATE TABLE nonsense ("] };
    expect(codeOf(() => openJournal({ path, parts: broken }))).toBe("journal.corrupt");
    expect(tables(path, parts)).toEqual(["money"]);
  });
});
