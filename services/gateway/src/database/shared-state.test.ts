import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoredRequest } from "@depinfer/client";
import { type Hex, microUsd } from "@depinfer/protocol";
import { array, assert, asyncProperty, constantFrom, integer, record } from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverPrograms, startServer, type TestServer } from "../../../../tests/postgres-server.ts";
import { createAdmission } from "../admission/admission.ts";
import { type ApiKey, createKeys, SCOPES } from "../keys.ts";
import { GATEWAY_MIGRATIONS } from "../migrations.ts";
import { storedRequest } from "../test-gateway.ts";
import { migrateShared } from "./migrations.ts";
import { openSharedDatabase, type SharedDatabase } from "./postgres.ts";
import { createSeats, type Seat } from "./seats.ts";
import { sharedAccountStates } from "./shared-account-states.ts";
import { sharedIdempotency } from "./shared-idempotency.ts";
import { sharedKeys } from "./shared-keys.ts";

/* What gateways share, in a real PostgreSQL: keys, rates, budgets, and answers under idempotency keys. */

const programs = serverPrograms();

describe.skipIf(programs === null)("gateways of a group", () => {
  let server: TestServer;
  let database: SharedDatabase;
  let names = 0;
  beforeAll(async () => {
    server = await startServer(programs ?? "");
    database = await openSharedDatabase(server.url);
    await migrateShared(database);
  }, 60_000);
  afterAll(async () => {
    await database?.close();
    await server?.stop();
  });

  const fresh = () => `account-${names++}`;
  const keyOf = (name: string, budget: bigint | null, limits: Partial<ApiKey["limits"]> = {}): ApiKey => ({
    name,
    budget: budget === null ? null : microUsd(budget),
    pass: null,
    passHolder: null,
    scopes: SCOPES,
    limits: { requestsPerMinute: null, tokensPerMinute: null, concurrent: null, ...limits },
    expiresAt: null,
    policy: null,
  });

  /** A gateway with a ledger that is two numbers. */
  function gateway(seat: string, alive: () => ReadonlySet<string> = () => new Set(["1", "2", "3"])) {
    const ledger = { spent: 0n, reserved: 0n };
    const admission = createAdmission({
      states: sharedAccountStates(database),
      seats: {
        holder: seat,
        seat,
        alone: false,
        used: () => new Map([[seat, ledger.spent + ledger.reserved]]),
        alive,
      },
    });
    return { ledger, admission };
  }

  test("know each other's keys, and take each name once", async () => {
    const [one, two] = [createKeys(sharedKeys(database)), createKeys(sharedKeys(database))];
    const name = fresh();
    const made = await Promise.allSettled([one.create(name, null), two.create(name, microUsd(5))]);
    expect(made.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const text = made.find((result) => result.status === "fulfilled")?.value ?? "";
    expect(await two.authenticate({ "x-api-key": text })).toMatchObject({ name });
    await one.setSettings(name, { limits: { concurrent: 3 }, policy: { maxInputPrice: microUsd(7) } });
    await two.setSettings(name, { limits: { requestsPerMinute: 9 } });
    expect(await one.authenticate({ authorization: `Bearer ${text}` })).toMatchObject({
      limits: { concurrent: 3, requestsPerMinute: 9 },
      policy: { maxInputPrice: 7n },
    });
    await two.revoke(name);
    await expect(one.authenticate({ "x-api-key": text })).rejects.toMatchObject({ code: "key.revoked" });
    await expect(one.setBudget(`${name}-not`, null)).rejects.toMatchObject({ code: "key.noSuchName" });
  });

  test("never spend more than a budget together, however their requests fall and whatever they cost", async () => {
    const step = record({
      at: constantFrom(0, 1, 2),
      wants: integer({ min: 1, max: 60 }),
      costs: integer({ min: 0, max: 60 }),
    });
    await assert(
      asyncProperty(
        array(step, { minLength: 4, maxLength: 24 }),
        integer({ min: 1, max: 200 }),
        async (steps, budget) => {
          const key = keyOf(fresh(), BigInt(budget));
          const gateways = ["1", "2", "3"].map((seat) => gateway(seat));
          const total = () => gateways.reduce((sum, { ledger }) => sum + ledger.spent + ledger.reserved, 0n);
          await Promise.all(
            steps.map(async ({ at, wants, costs }) => {
              const { ledger, admission } = gateways[at] ?? gateway("1");
              const permit = await admission.enter(key, { tokens: 1, units: BigInt(wants) }).catch(() => null);
              if (permit === null) {
                return;
              }
              // As the journal does, in one transaction.
              const most = BigInt(wants);
              if (permit.budget !== null && ledger.spent + ledger.reserved + most <= permit.budget) {
                ledger.reserved += most;
                expect(total()).toBeLessThanOrEqual(BigInt(budget));
                await new Promise((resolve) => setImmediate(resolve));
                ledger.reserved -= most;
                ledger.spent += BigInt(Math.min(costs, wants));
              }
              await permit.leave(1);
            }),
          );
          expect(total()).toBeLessThanOrEqual(BigInt(budget));
          // What is left can be spent, by any of them.
          const left = BigInt(budget) - total();
          const last = await gateways[0]?.admission.enter(key, { tokens: 1, units: left }).catch(() => null);
          expect(last !== null).toBe(left > 0n);
          expect(last?.budget ?? 0n).toBe(left > 0n ? (gateways[0]?.ledger.spent ?? 0n) + left : 0n);
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);

  test("count rates and requests at work together, and forget those of a process that has ended", async () => {
    let alive = new Set(["1", "2"]);
    const [one, two] = [gateway("1", () => alive), gateway("2", () => alive)];
    const rated = keyOf(fresh(), null, { requestsPerMinute: 5 });
    const entered = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) =>
        (index % 2 === 0 ? one : two).admission.enter(rated, { tokens: 0, units: null }),
      ),
    );
    expect(entered.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
    const narrow = keyOf(fresh(), null, { concurrent: 2 });
    await one.admission.enter(narrow, { tokens: 0, units: null });
    const permit = await two.admission.enter(narrow, { tokens: 0, units: null });
    await expect(one.admission.enter(narrow, { tokens: 0, units: null })).rejects.toMatchObject({
      code: "limit.concurrent",
    });
    alive = new Set(["2"]);
    await two.admission.enter(narrow, { tokens: 0, units: null });
    await permit.leave();
    await expect(two.admission.enter(narrow, { tokens: 0, units: null })).resolves.toBeDefined();
  });

  test("take over what a seat had promised as what its journal shows", async () => {
    const key = keyOf(fresh(), 100n);
    await gateway("7").admission.enter(key, { tokens: 0, units: 90n });
    const other = gateway("8");
    expect((await other.admission.enter(key, { tokens: 0, units: 90n })).budget).toBe(10n);
    await expect(other.admission.enter(key, { tokens: 0, units: 1n })).rejects.toMatchObject({
      code: "budget.exhausted",
    });
    await sharedAccountStates(database).settleSeat("7", () => 25n);
    expect((await other.admission.enter(key, { tokens: 0, units: 90n })).budget).toBe(75n);
  });

  const parts = { gateway: GATEWAY_MIGRATIONS };
  const takeSeat = () =>
    createSeats(
      { database, log: () => undefined },
      { folder: mkdtempSync(join(tmpdir(), "shared-")), parts, leaseMs: 60_000 },
    );

  test("answer a request once, and know what an ended one of them had bought", async () => {
    const stored = new Map<Hex, StoredRequest>();
    const absorbed: Hex[] = [];
    const buyer = {
      request: (id: Hex) => stored.get(id),
      absorb: async (id: Hex) => void absorbed.push(id),
    };
    const [first, second] = [takeSeat(), takeSeat()];
    const [one, two] = [await first.takeOwn(), await second.takeOwn()];
    const adopted: Seat[] = [];
    const all = () => [two, ...adopted].map((seat) => ({ seat, buyer }));
    const here = sharedIdempotency(database, { own: one, all: () => [{ seat: one, buyer }] });
    const there = sharedIdempotency(database, { own: two, all });
    const account = fresh();
    const never = async () => "free" as const;

    const begun = await Promise.allSettled([here, there].map((each) => each.begin(account, "k", "asked", never)));
    expect(begun.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const winner = begun.find((result) => result.status === "fulfilled")?.value;
    if (winner === undefined || !("first" in winner)) {
      throw new Error("nobody was first");
    }
    await winner.first.keep({ status: 200, headers: { a: "b" }, body: new Uint8Array([1, 2]) });
    for (const each of [here, there]) {
      expect(await each.begin(account, "k", "asked", never)).toMatchObject({
        replay: { status: 200, headers: { a: "b", "idempotency-replayed": "true" } },
      });
      await expect(each.begin(account, "k", "other", never)).rejects.toMatchObject({ code: "idempotency.mismatch" });
    }

    // The first one ends in the middle of three: one was paid, one failed, of one nothing was written down.
    const [paid, failed]: readonly Hex[] = [`0x${"aa".repeat(32)}`, `0x${"bb".repeat(32)}`];
    for (const [key, id] of [
      ["paid", paid],
      ["failed", failed],
      ["none", undefined],
    ] as const) {
      const started = await here.begin(account, key, "asked", never);
      if ("first" in started && id !== undefined) {
        started.first.bought(id);
      }
    }
    await one.journal.settled();
    stored.set(paid ?? "0x", storedRequest(paid ?? "0x", account, { state: "done", text: "paid for" }));
    stored.set(failed ?? "0x", storedRequest(failed ?? "0x", account, { state: "failed" }));
    await expect(there.begin(account, "paid", "asked", never)).rejects.toMatchObject({ code: "idempotency.running" });
    await database.query("UPDATE journal_seats SET expires_at = now() - interval '1 second' WHERE id = $1", [one.id]);
    await expect(there.begin(account, "paid", "asked", never)).rejects.toMatchObject({ code: "idempotency.running" });
    const taken = await second.adopt();
    if (taken !== null) {
      adopted.push(taken);
    }
    await there.settle();
    // Its text does not match its receipt, so it will be bought again, and the lost one is charged to nobody.
    expect(absorbed).toEqual([paid]);
    const third = await takeSeat().takeOwn();
    const elsewhere = sharedIdempotency(database, {
      own: third,
      all: () => [{ seat: third, buyer: { request: () => undefined, absorb: async () => undefined } }],
    });
    const replayed = await elsewhere.begin(account, "paid", "asked", async (id, purchase) => {
      expect([id, purchase?.text]).toEqual([paid, "paid for"]);
      return { status: 200, headers: {}, body: new Uint8Array([9]) };
    });
    expect(replayed).toMatchObject({ replay: { status: 200 } });
    for (const key of ["failed", "none"]) {
      expect(await elsewhere.begin(account, key, "asked", never)).toHaveProperty("first");
    }
    await Promise.all([third, two, ...adopted].map((seat) => seat.release()));
  }, 60_000);
});
