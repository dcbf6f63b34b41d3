import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decentralisationSchema, type IndexLayerFigures } from "@depinfer/protocol/api";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Database, openEmbedded } from "../database.ts";
import { prepareDatabase } from "../prepare-database.ts";
import { TABLES } from "../schema.ts";
import { measureIndex } from "./measure.ts";
import type { SetAside } from "./measured-layer.ts";

const home = mkdtempSync(join(tmpdir(), "depinfer-index-"));
const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
let db: Database;
beforeAll(async () => {
  db = await openEmbedded(home);
  await prepareDatabase(db, () => undefined);
}, 60_000);
beforeEach(async () => {
  for (const table of TABLES) {
    await db.query(`DELETE FROM ${table}`);
  }
});
afterAll(async () => {
  await db.close();
  rmSync(home, { recursive: true, force: true });
});

const account = (index: number) => `0x${index.toString(16).padStart(40, "0")}`;
let logs = 0;
async function happened(name: string, args: object): Promise<void> {
  logs += 1;
  await db.query(
    "INSERT INTO events (block, log_index, tx, contract, name, args) VALUES (1, $1, '0x', 'test', $2, $3)",
    [logs, name, JSON.stringify(args)],
  );
}

interface Made {
  readonly slots?: number;
  readonly bonded?: number;
  readonly owner?: string;
  readonly address?: string;
  readonly region?: string;
  readonly engine?: string;
}

async function addProvider(index: number, made: Made = {}): Promise<void> {
  const { slots = 2, bonded = 2, owner, address = "/ip4/127.0.0.1/tcp/1", region = "local", engine = "llama" } = made;
  const operator = account(index);
  await happened("Registered", { operator, role: 1, receiptKey: operator });
  await happened("Bonded", { operator, stake: "1", totalSlots: String(bonded) });
  await db.query(
    `INSERT INTO offers (peer_id, class_id, provider, model, region, owner, proof_level, output_price, input_price, first_seen, heard_at, expires_at, offer)
     VALUES ($1, '0x1', $2, 'm', $3, $4, 'seeded', 1, 1, $5, $5, $6, $7)`,
    [
      `peer-${index}`,
      operator,
      region,
      owner ?? null,
      NOW,
      NOW + MINUTE,
      JSON.stringify({ slots, addresses: [address], runtimeClass: { engine } }),
    ],
  );
}

let receipts = 0;
async function pay(provider: number, cost: number, at = NOW - MINUTE): Promise<void> {
  receipts += 1;
  await db.query(
    "INSERT INTO receipts (id, request_id, provider, class_id, epoch, position, channel_id, cost, output_tokens, started_at, finished_at, receipt) VALUES ($1, $1, $2, '0x1', 1, 0, '0xc', $3, 1, $4, $4, '{}')",
    [`0x${receipts}`, account(provider), cost, at],
  );
}

async function measure(setAside: SetAside = {}) {
  const found = await measureIndex(db, "day", NOW, setAside);
  decentralisationSchema.parse(found);
  const layer = (name: string): IndexLayerFigures => {
    const one = found.layers.find((each) => each.name === name);
    if (one === undefined) {
      throw new Error(`there is no layer ${name}`);
    }
    return one;
  };
  return { found, layer };
}

test("without data there is no index, and every layer says so", async () => {
  const { found } = await measure();
  expect(found).toMatchObject({ index: null, interval: null, withSetAside: null, weakest: null, improvements: [] });
  expect(found.layers.every(({ state, score, reason }) => state === "no data" && score === null && reason)).toBe(true);
});

/*
 * By hand: four owners alike hold 25 % each, so that two of them have more than 33 %: x = ln 2 / ln 100 = 0.150515. Revenue of
 * 40, 30, 20 and 10: the first alone has 40 %, so x = 0 and the index is 0. With 30, 30, 20 and 20 two are needed again, and
 * the index is 100 · 0.150515.
 */
test("four owners are not one, and a layer that one of them holds up makes it zero", async () => {
  for (const index of [1, 2, 3, 4]) {
    await addProvider(index, { owner: account(100 + index) });
    await pay(index, [40, 30, 20, 10][index - 1] ?? 0);
  }
  const one = await measure({ engines: "one machine", gateways: "one machine" });
  expect(one.found).toMatchObject({ index: 0, weakest: "revenue" });
  expect(one.layer("revenue").clustered).toMatchObject({ entities: 4, nc33: 1 });
  for (const [index, cost] of [
    [2, 30],
    [3, 20],
    [4, 30],
    [1, 20],
  ] as const) {
    await pay(index, cost);
  }
  const two = await measure({ engines: "one machine", gateways: "one machine" });
  expect(two.found.index).toBeCloseTo((100 * Math.log(2)) / Math.log(100), 10);
  expect(two.layer("capacity")).toMatchObject({ score: expect.closeTo(0.150515, 6), interval: null });
  expect(two.layer("engines")).toMatchObject({ state: "set aside", reason: "one machine", score: 0 });
  expect(two.found.withSetAside).toBe(0);
  expect(two.found.improvements[0]).toMatchObject({ nc33: 3 });
});

test("providers of one owner are one entity, names and evidence beside it, and the index is zero", async () => {
  for (const index of [1, 2, 3, 4]) {
    await addProvider(index, { owner: account(100) });
    await pay(index, 10);
  }
  const { found, layer } = await measure();
  expect(found).toMatchObject({ index: 0, weakest: "revenue" });
  expect(layer("revenue")).toMatchObject({
    raw: { entities: 4, nc33: 2 },
    clustered: { entities: 1, nc33: 1 },
    largest: [{ id: account(1), identities: 4, amount: 40, share: 1 }],
  });
  expect(found.clusters).toEqual([
    { id: account(1), ids: [1, 2, 3, 4].map(account), evidence: [{ kind: "owner", value: account(100) }] },
  ]);
});

test("who sends most of the earnings to one account is one entity; a little sent there joins nobody", async () => {
  const safe = account(500);
  for (const index of [1, 2, 3]) {
    await addProvider(index);
  }
  await happened("EarnedWithdrawn", { receiver: account(1), to: safe, amount: "100" });
  await happened("Unbonded", { operator: account(2), to: safe, amount: "70", stake: "0" });
  await happened("EarnedWithdrawn", { receiver: account(3), to: safe, amount: "1" });
  await happened("EarnedWithdrawn", { receiver: account(3), to: account(3), amount: "99" });
  const { found } = await measure();
  expect(found.clusters).toEqual([
    { id: account(1), ids: [account(1), account(2)], evidence: [{ kind: "payout", value: safe }] },
  ]);
});

test("who comes again and again with another from the same network is one entity", async () => {
  for (const index of [1, 2, 3]) {
    await addProvider(index, { address: "/ip4/203.0.113.7/tcp/1" });
  }
  for (const at of [1, 2, 3, 4].map((hour) => NOW - hour * 60 * MINUTE)) {
    await db.query("INSERT INTO arrivals VALUES ($1, $2), ($3, $4), ($5, $6)", [
      account(1),
      at,
      account(2),
      at + 2_000,
      account(3),
      at + 600_000,
    ]);
  }
  const { found } = await measure();
  expect(found.clusters.map(({ ids }) => ids)).toEqual([[account(1), account(2)]]);
});

test("slots without stake are no capacity, and only what can be reached from outside is somewhere", async () => {
  await addProvider(1, { slots: 50, bonded: 2, address: "/ip4/203.0.113.7/tcp/1", region: "eu" });
  await addProvider(2, { slots: 1, bonded: 9, address: "/ip6/2001:db8::1/tcp/1", region: "us", engine: "onnx" });
  await addProvider(3, { slots: 4, bonded: 4, region: "asia" });
  const { layer } = await measure();
  const amounts = (name: string) => layer(name).largest.map(({ id, amount }) => [id, amount]);
  expect(amounts("capacity")).toEqual([
    [account(3), 4],
    [account(1), 2],
    [account(2), 1],
  ]);
  expect(amounts("regions")).toEqual([
    ["eu", 2],
    ["us", 1],
  ]);
  expect(amounts("networks")).toEqual([
    ["203.0.0.0/16", 2],
    ["2001:db8::/32", 1],
  ]);
  expect(amounts("engines")).toEqual([
    ["llama", 6],
    ["onnx", 1],
  ]);
});

test("what was paid before the window does not count", async () => {
  await addProvider(1);
  await pay(1, 10, NOW - 25 * 60 * MINUTE);
  expect((await measure()).layer("revenue").state).toBe("no data");
});

test("few requests say less than many", async () => {
  const width = async (requests: number) => {
    await db.query("DELETE FROM receipts");
    for (let index = 0; index < 20 * requests; index++) {
      await pay(1 + (index % 20), 10);
    }
    const { low = 0, high = 0 } = (await measure()).layer("revenue").interval ?? {};
    return high - low;
  };
  for (let index = 1; index <= 20; index++) {
    await addProvider(index);
  }
  expect(await width(1)).toBeGreaterThan(await width(50));
}, 30_000);
