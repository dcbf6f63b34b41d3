import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { marginOf } from "@depinfer/economics";
import { basePriceSchema, economyApi, statementLineSchema } from "@depinfer/protocol/api";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Database, openEmbedded } from "../database.ts";
import { OBSERVER } from "../offer-index.ts";
import { prepareDatabase } from "../prepare-database.ts";
import { TABLES } from "../schema.ts";
import { readBasePrices, stepBasePrices } from "./base-prices.ts";
import { readConditions, readStatement } from "./conditions.ts";
import { linesByModel, linesByTime } from "./statement.ts";

const home = mkdtempSync(join(tmpdir(), "depinfer-economy-"));
const HOUR = 3_600_000;
const MINUTE = 60_000;
/** The start of an hour. */
const START = 500_000 * HOUR;
const PROVIDER = `0x${"0a".repeat(20)}`;
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

async function offer(
  model: string,
  classId: string,
  slots: number,
  output: number,
  { provider = PROVIDER, expiresAt = Number.MAX_SAFE_INTEGER }: { provider?: string; expiresAt?: number } = {},
) {
  await db.query(
    `INSERT INTO offers (peer_id, class_id, provider, model, region, proof_level, output_price, input_price, first_seen, heard_at, expires_at, offer)
     VALUES ($2, $1, $2, $3, 'eu', 'seeded', $4, $5, 1, 1, $6, $7)`,
    [classId, provider, model, output, Math.floor(output / 4), expiresAt, JSON.stringify({ slots })],
  );
}

let receipts = 0;
async function receipt(
  classId: string,
  at: number,
  took: number,
  {
    prompt = 30,
    output = 10,
    cost = 5,
    provider = PROVIDER,
  }: { prompt?: number; output?: number; cost?: number; provider?: string } = {},
) {
  receipts += 1;
  await db.query(
    "INSERT INTO receipts (id, request_id, provider, class_id, epoch, position, channel_id, cost, output_tokens, started_at, finished_at, receipt) VALUES ($1, $1, $2, $3, 1, 0, '0xc', $4, $5, $6, $7, $8)",
    [
      `0x${receipts}`,
      provider,
      classId,
      cost,
      output,
      at - took,
      at,
      JSON.stringify({ receipt: { promptTokens: prompt } }),
    ],
  );
}

async function seen(from: number, minutes: number, ...who: string[]) {
  for (let minute = 0; minute < minutes; minute++) {
    for (const one of [OBSERVER, ...who]) {
      await db.query("INSERT INTO presence VALUES ($1, $2)", [one, from + minute * MINUTE]);
    }
  }
}

let events = 0;
async function bonded(slots: number, operator = PROVIDER) {
  events += 1;
  await db.query(
    "INSERT INTO events (block, log_index, tx, contract, name, args) VALUES (1, $2, '0x', 'stakeVault', 'Bonded', $1)",
    [JSON.stringify({ operator, stake: "1", totalSlots: String(slots) }), events],
  );
}

/** As it is sent. */
function sent(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? part.toString() : part)));
}

/*
 * By hand: two slots, seen in 30 minutes of the first hour and in none of the second. In the first hour three requests take 10,
 * 20 and 30 minutes: 60 minutes on two slots are 30 at work, and it was online for 30. In the second hour one of 4 minutes: 2 at
 * work, so that it was online for 2 although nobody saw it.
 */
test("a statement is what it is by hand", async () => {
  await offer("small", "0x1", 2, 200);
  await bonded(2);
  await seen(START, 30, PROVIDER);
  await receipt("0x1", START + 10 * MINUTE, 10 * MINUTE, { cost: 100, output: 1_000 });
  await receipt("0x1", START + 25 * MINUTE, 20 * MINUTE, { cost: 200, output: 2_000 });
  await receipt("0x1", START + 50 * MINUTE, 30 * MINUTE, { cost: 300, output: 3_000 });
  await receipt("0x1", START + HOUR + 10 * MINUTE, 4 * MINUTE, { cost: 7, output: 50 });
  const read = await readStatement(db, PROVIDER, START, START + 2 * HOUR, HOUR);
  const lines = linesByTime(read, HOUR);
  expect(lines).toEqual([
    {
      key: new Date(START).toISOString(),
      requests: 3,
      promptTokens: 90,
      outputTokens: 6_000,
      paid: "600",
      msOnline: 30 * MINUTE,
      msAtWork: 30 * MINUTE,
    },
    {
      key: new Date(START + HOUR).toISOString(),
      requests: 1,
      promptTokens: 30,
      outputTokens: 50,
      paid: "7",
      msOnline: 2 * MINUTE,
      msAtWork: 2 * MINUTE,
    },
  ]);
  expect(() => lines.map((line) => statementLineSchema.parse(line))).not.toThrow();
});

/*
 * By hand: one slot, 60 minutes online, two models at work for 30 and 10 minutes. The 20 idle minutes go 15 and 5 to them.
 */
test("by model the time between requests is divided in proportion to work, and adds up", async () => {
  await offer("a", "0x1", 1, 200);
  await offer("b", "0x2", 1, 200);
  await bonded(1);
  await seen(START, 60, PROVIDER);
  await receipt("0x1", START + 30 * MINUTE, 30 * MINUTE);
  await receipt("0x2", START + 40 * MINUTE, 10 * MINUTE);
  const lines = linesByModel(await readStatement(db, PROVIDER, START, START + HOUR, null));
  expect(lines.map(({ key, msAtWork, msOnline }) => [key, msAtWork / MINUTE, msOnline / MINUTE])).toEqual([
    ["a", 30, 45],
    ["b", 10, 15],
  ]);
});

test("who was never seen has an empty statement, not one of zeros", async () => {
  expect(linesByTime(await readStatement(db, PROVIDER, START, START + HOUR, HOUR), HOUR)).toEqual([]);
  expect(linesByModel(await readStatement(db, PROVIDER, START, START + HOUR, null))).toEqual([]);
});

/* By hand: two slots in ten minutes are 20 minutes on offer; requests took 3 and 2 of them: a quarter. */
test("conditions of a market are what they are by hand, and null where there is nothing", async () => {
  await offer("small", "0x1", 2, 200);
  await bonded(2);
  await seen(START, 10, PROVIDER);
  await receipt("0x1", START + 4 * MINUTE, 3 * MINUTE, { prompt: 60, output: 20, cost: 8 });
  await receipt("0x1", START + 8 * MINUTE, 2 * MINUTE, { prompt: 30, output: 10, cost: 4 });
  const [market] = await readConditions(db, START, START + HOUR, null);
  expect(market).toMatchObject({
    model: "small",
    requests: 2,
    promptTokens: 90,
    outputTokens: 30,
    promptPerOutput: 3,
    paid: "12",
    inputPrice: 50n,
    outputPrice: 200n,
    providers: 1,
    slots: 2,
    utilisation: 0.25,
  });
  // Work of a time of which presence is not kept is asked for, and is in no utilisation.
  await receipt("0x1", START - 32 * 24 * HOUR, 20 * MINUTE, { cost: 1 });
  const [ever] = await readConditions(db, 0, START + HOUR, null);
  expect(ever).toMatchObject({ requests: 3, paid: "13", utilisation: 0.25 });
  const [before] = await readConditions(db, START - HOUR, START, null);
  expect(before).toMatchObject({ requests: 0, promptPerOutput: null, utilisation: null });
  const answer = sent({ since: START, until: START + HOUR, data: [market, before] });
  expect(() => economyApi.marketConditions.answer.parse(answer)).not.toThrow();
  expect(await readConditions(db, START, START + HOUR, "other")).toEqual([]);
});

/*
 * By hand, a minute a period, one slot, asked 200. A period that was at work for all of its time moves the price by
 * 1 + (1/0.6 − 1)/8 = 1.083333: 216 (down from 216.67); idle by 1 − 1/8 = 0.875: 189 of 216. What nobody watched moves nothing.
 */
test("the base price begins at what is posted, and follows what was at work two periods before", async () => {
  await offer("small", "0x1", 1, 200);
  await bonded(1);
  await seen(START, 2, PROVIDER);
  await receipt("0x1", START + MINUTE, MINUTE);
  const price = async () => (await readBasePrices(db, "small", MINUTE)).data[0];
  await stepBasePrices(db, START + MINUTE, MINUTE);
  expect(await price()).toMatchObject({ current: "200", history: [{ price: "200", utilisation: null }] });
  await stepBasePrices(db, START + 2 * MINUTE, MINUTE);
  expect(await price()).toMatchObject({ current: "216", nextAt: START + 3 * MINUTE });
  await stepBasePrices(db, START + 2 * MINUTE, MINUTE);
  expect((await price())?.history).toHaveLength(2);
  await stepBasePrices(db, START + 3 * MINUTE, MINUTE);
  expect(await price()).toMatchObject({ current: "189" });
  await stepBasePrices(db, START + 4 * MINUTE, MINUTE);
  const found = await price();
  expect(found?.history.map(({ price: at, utilisation }) => [at, utilisation])).toEqual([
    ["200", null],
    ["216", 1],
    ["189", 0],
    ["189", null],
  ]);
  expect(() => basePriceSchema.parse(found)).not.toThrow();
});

const LIAR = `0x${"0b".repeat(20)}`;

/*
 * By hand: three honest slots at work for a quarter of ten minutes, 7.5 minutes, and a liar with one bonded slot who offers a
 * thousand. Whether it claims no work or a year of it, the utilisation is between 7.5/40 = 0.1875 and 17.5/40 = 0.4375.
 */
test.each([
  ["no work", 0, 0.1875],
  ["more work than there is time", 525_600, 0.4375],
])(
  "who offers slots without stake and claims %s moves utilisation by its bonded slots only",
  async (_, minutes, used) => {
    await offer("small", "0x1", 3, 200);
    await bonded(3);
    await offer("small", "0x2", 1_000, 999_999, { provider: LIAR });
    await bonded(1, LIAR);
    await seen(START, 10, PROVIDER, LIAR);
    await receipt("0x1", START + 8 * MINUTE, 7.5 * MINUTE);
    for (const finished of [7, 8, 9]) {
      await receipt("0x2", START + finished * MINUTE, minutes * MINUTE, { provider: LIAR });
    }
    const [market] = await readConditions(db, START, START + 10 * MINUTE, "small");
    expect(market).toMatchObject({ utilisation: used, slots: 4, outputPrice: 200n });
  },
);

test("prices of providers without stake begin no base price", async () => {
  await offer("small", "0x1", 5, 999_999, { provider: LIAR });
  await stepBasePrices(db, START, MINUTE);
  expect((await readBasePrices(db, null, MINUTE)).data).toEqual([]);
  await offer("small", "0x1", 1, 200);
  await bonded(1);
  await stepBasePrices(db, START, MINUTE);
  expect((await readBasePrices(db, null, MINUTE)).data).toMatchObject([{ model: "small", current: "200" }]);
});

/*
 * The hour of `packages/economics/src/margin.test.ts`, from receipts on: 40, 20 and 12 minutes of requests on two slots are 36
 * minutes at work of the 60 that it was online, for 100,000 + 90,000 + 60,000 units.
 */
test("the hour that was worked out by hand comes out to the unit, from receipts to margin", async () => {
  await offer("small", "0x1", 2, 200);
  await bonded(2);
  await seen(START, 60, PROVIDER);
  await receipt("0x1", START + 45 * MINUTE, 40 * MINUTE, { cost: 100_000 });
  await receipt("0x1", START + 50 * MINUTE, 20 * MINUTE, { cost: 90_000 });
  await receipt("0x1", START + 59 * MINUTE, 12 * MINUTE, { cost: 60_000 });
  const costs = {
    wattsAtWork: 350,
    wattsIdle: 60,
    kilowattHour: 300_000n,
    hardware: 1_800_000_000n,
    lifetimeHours: 26_280,
  };
  for (const lines of [
    linesByTime(await readStatement(db, PROVIDER, START, START + HOUR, HOUR), HOUR),
    linesByModel(await readStatement(db, PROVIDER, START, START + HOUR, null)),
  ]) {
    const found = lines.map((line) => {
      const { msOnline, msAtWork, paid } = statementLineSchema.parse(line);
      return marginOf({ ms: BigInt(msOnline), msAtWork: BigInt(msAtWork), paid, feeBps: 500 }, costs);
    });
    expect(found).toEqual([
      { revenue: 250_000n, fee: 12_500n, power: 70_200n, depreciation: 68_494n, margin: 98_806n },
    ]);
  }
});
