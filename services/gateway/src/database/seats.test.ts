import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverPrograms, startServer, type TestServer } from "../../../../tests/postgres-server.ts";
import { migrateShared } from "./migrations.ts";
import { openSharedDatabase, type SharedDatabase } from "./postgres.ts";
import { createSeats, type Seats } from "./seats.ts";

/* Journals in a real PostgreSQL. */

const parts = { money: ["CREATE TABLE money (id TEXT PRIMARY KEY, amount INTEGER NOT NULL) STRICT"] };
const programs = serverPrograms();
const log = () => undefined;

describe.skipIf(programs === null)("seats", () => {
  let server: TestServer;
  let database: SharedDatabase;
  beforeAll(async () => {
    server = await startServer(programs ?? "");
    database = await openSharedDatabase(server.url);
    await Promise.all([migrateShared(database), migrateShared(database)]);
  }, 60_000);
  afterAll(async () => {
    await database?.close();
    await server?.stop();
  });

  const process_ = (leaseMs: number, snapshotEvery = 5): Seats =>
    createSeats(
      { database, log },
      { folder: mkdtempSync(join(tmpdir(), "seats-")), parts, leaseMs, snapshotEvery, patienceMs: 1_000 },
    );
  const count = (seat: { journal: { db: { prepare(sql: string): { get(): unknown } } } }) =>
    seat.journal.db.prepare("SELECT count(*) AS n, sum(amount) AS sum FROM money").get();
  const gone = async (seat: { id: bigint }) =>
    database.query("UPDATE journal_seats SET expires_at = now() - interval '1 second' WHERE id = $1", [seat.id]);

  test("one process has a seat; who adopts it finds all that was recorded, and the old owner can write no more", async () => {
    const [first, second] = [process_(60_000), process_(60_000)];
    const seat = await first.takeOwn();
    const put = seat.journal.db.prepare("INSERT INTO money VALUES (?, ?)");
    for (let i = 0; i < 23; i++) {
      await Promise.all([0, 1, 2].map((part) => seat.journal.record(() => put.run(`${i}.${part}`, i))));
    }
    expect(await second.adopt()).toBeNull();
    await gone(seat);
    const adopted = await second.adopt();
    expect(adopted?.id).toBe(seat.id);
    expect(adopted === null ? null : count(adopted)).toEqual(count(seat));
    await expect(seat.journal.record(() => put.run("late", 1))).rejects.toMatchObject({ code: "journal.fenced" });
    expect(seat.lost.aborted).toBe(true);
    await adopted?.journal.record(() => adopted.journal.db.exec("INSERT INTO money VALUES ('more', 1)"));
    await adopted?.release();
    const third = await process_(60_000).takeOwn();
    expect(third.id).toBe(seat.id);
    expect(count(third)).toEqual({ n: 70n, sum: 3n * 253n + 1n });
    await third.release();
  });

  test("a seat that is looked after goes to a process that starts and waits for it", async () => {
    const [first, second, third] = [process_(60_000), process_(60_000), process_(60_000)];
    const own = await second.takeOwn();
    const seat = await first.takeOwn();
    await gone(seat);
    const adopted = await second.adopt();
    const taking = third.takeOwn();
    let wanted: readonly bigint[] = [];
    for (let tries = 0; tries < 40 && wanted.length === 0; tries++) {
      wanted = await second.beat();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(wanted).toEqual([seat.id]);
    await adopted?.release();
    const taken = await taking;
    expect(taken.id).toBe(seat.id);
    await Promise.all([taken.release(), own.release()]);
  });

  test("of many processes that look for an abandoned seat one gets it", async () => {
    const seat = await process_(60_000).takeOwn();
    await gone(seat);
    const found = await Promise.all(Array.from({ length: 6 }, () => process_(60_000).adopt()));
    const takers = found.filter((one) => one !== null);
    expect(takers.filter(({ id }) => id === seat.id)).toHaveLength(1);
    await Promise.all(takers.map((taker) => taker.release()));
  });

  const writer = (url: string, folder: string) => `
    const { openSharedDatabase } = await import(${JSON.stringify(new URL("./postgres.ts", import.meta.url).href)});
    const { createSeats } = await import(${JSON.stringify(new URL("./seats.ts", import.meta.url).href)});
    const database = await openSharedDatabase(${JSON.stringify(url)});
    const seats = createSeats({ database, log: () => undefined },
      { folder: ${JSON.stringify(folder)}, parts: ${JSON.stringify(parts)}, leaseMs: 1000, snapshotEvery: 7 });
    const seat = await seats.takeOwn();
    process.stdout.write("seat " + seat.id + "\\n");
    const put = seat.journal.db.prepare("INSERT INTO money VALUES (?, 1)");
    let id = 0;
    const caller = async () => { for (;;) { const mine = id++; await seat.journal.record(() => put.run(String(mine))); process.stdout.write(mine + "\\n"); } };
    await Promise.all(Array.from({ length: 8 }, caller));
  `;

  test.each([60, 170, 300])("a process killed after %i ms of work has lost nothing that it announced", async (ms) => {
    const child = spawn(process.execPath, [
      "--conditions=source",
      "--input-type=module",
      "-e",
      writer(server.url, mkdtempSync(join(tmpdir(), "seats-"))),
    ]);
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += String(chunk);
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, ms));
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
    const [seatLine = "", ...announced] = said.slice(0, said.lastIndexOf("\n")).split("\n");
    await gone({ id: BigInt(seatLine.slice(5)) });
    const seat = await process_(60_000).takeOwn();
    const there = new Set(
      seat.journal.db
        .prepare("SELECT id FROM money")
        .all()
        .map(({ id }) => String(id)),
    );
    expect(announced.length).toBeGreaterThan(8);
    expect(announced.filter((id) => !there.has(id))).toEqual([]);
    await seat.journal.record(() => seat.journal.db.exec("DELETE FROM money"));
    await seat.release();
  });
});
