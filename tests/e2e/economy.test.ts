import { readFileSync } from "node:fs";
import { join } from "node:path";
import { postedPriceDown } from "@depinfer/economics";
import type { Receipt } from "@depinfer/protocol";
import { type BasePrice, economyApi, indexerApi, statementLineSchema } from "@depinfer/protocol/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { buyShortAnswers } from "./buy-short-answers.ts";
import { depinfer, discard, startTestNetwork, type TestNetwork, waitFor } from "./local-network.ts";

/* One network whose providers ask 10 % less than the base price: what they earn, and how prices follow what is bought. */

const DISCOUNT_BPS = 1_000;
/** What providers ask before any base price is known, units per million output tokens. */
const FIRST_PRICE = 200_000n;
const REQUESTS = 24;
const COSTS = [
  "--watts",
  "350",
  "--watts-idle",
  "60",
  "--kwh",
  "0.30",
  "--hardware",
  "1800",
  "--lifetime-months",
  "36",
];

let network: TestNetwork;
beforeAll(async () => {
  network = await startTestNetwork([
    ...["--providers", "2", "--validators", "1", "--owners", "2"],
    ...["--epoch-seconds", "1", "--base-price-seconds", "5", "--discount", String(DISCOUNT_BPS / 100)],
  ]);
}, 120_000);
afterAll(() => discard(network), 30_000);

const units = z.string().transform(BigInt);
const moneySchema = z.object({ revenue: units, fee: units, power: units, depreciation: units, margin: units });
const marginSchema = z.object({
  slots: z.number(),
  data: z.array(moneySchema.extend({ key: z.string(), line: statementLineSchema })),
  total: moneySchema,
});
const offersSchema = z.object({
  data: z.array(z.object({ provider: z.string(), prices: z.object({ outputPerMillion: units }) })),
});

async function indexed(path: string): Promise<unknown> {
  return (await fetch(`${network.access.indexerUrl}${path}`)).json();
}

async function basePrice(): Promise<BasePrice | undefined> {
  return economyApi.basePrices.answer.parse(await indexed("/base-prices")).data[0];
}

const offers = async () => (await network.client.get("/v1/offers", offersSchema)).data;

async function marginOf(provider: string, by = "model"): Promise<z.output<typeof marginSchema>> {
  const { stdout, stderr } = await depinfer(
    ...["margin", "--home", network.home, "--provider", provider, "--by", by, ...COSTS, "--json"],
  );
  expect(stderr).toBe("");
  return marginSchema.parse(JSON.parse(stdout));
}

test("what was bought is in the statement of who sold it, to the unit, and costs are taken off", async () => {
  await buyShortAnswers(network, REQUESTS);
  let found: readonly Receipt[] = [];
  await waitFor(
    async () => {
      found = indexerApi.receipts.answer
        .parse(await indexed("/receipts?limit=100"))
        .data.map(({ receipt }) => receipt.receipt);
      return found.length === REQUESTS;
    },
    40_000,
    () => `${found.length} of ${REQUESTS} receipts are indexed`,
  );
  const earned = new Map<string, bigint>();
  for (const { provider, cost } of found) {
    earned.set(provider, (earned.get(provider) ?? 0n) + cost);
  }
  for (const [provider, paid] of earned) {
    const { data, total } = await marginOf(provider);
    expect(data.map(({ key }) => key)).toEqual(["Depinfer Tiny"]);
    expect(data.map(({ line }) => line.requests)).toEqual([found.filter((one) => one.provider === provider).length]);
    expect(total).toMatchObject({ revenue: paid, fee: 0n });
    expect(total.power).toBeGreaterThan(0n);
    expect(total.depreciation).toBeGreaterThan(0n);
    expect(total.margin).toBe(total.revenue - total.fee - total.power - total.depreciation);
    const byHour = await marginOf(provider, "hour");
    expect(byHour.total.revenue).toBe(paid);
  }
}, 90_000);

test("the base price follows what was at work, and providers post their discount to it", async () => {
  let found: BasePrice | undefined;
  const busyAt = () => (found?.history ?? []).findIndex(({ utilisation }) => utilisation !== null && utilisation > 0);
  const told = () => JSON.stringify(found, (_, value) => (typeof value === "bigint" ? `${value}` : value));
  await waitFor(
    async () => {
      // Buying goes on while prices change.
      await buyShortAnswers(network, 1);
      found = await basePrice();
      return busyAt() >= 0;
    },
    40_000,
    () => `no work moved the base price: ${told()}`,
  );
  await waitFor(
    async () => {
      found = await basePrice();
      return (found?.history ?? []).slice(busyAt()).some(({ utilisation }) => utilisation === 0);
    },
    40_000,
    () => `no rest moved the base price: ${told()}`,
  );
  const history = found?.history ?? [];
  expect(history[0]).toMatchObject({ price: FIRST_PRICE, utilisation: null });
  const steps = history
    .slice(1)
    .map(({ price, utilisation }, at) => ({ price, utilisation, before: history[at]?.price }));
  // Idle slots make it fall by an eighth, down to the unit; what nobody watched does not move it.
  for (const { price, utilisation, before = 0n } of steps) {
    expect(utilisation === 0 ? price : 0n).toBe(utilisation === 0 ? (before * 7n) / 8n : 0n);
    expect(utilisation === null ? price : before).toBe(before);
  }
  let asked: Awaited<ReturnType<typeof offers>> = [];
  await waitFor(
    async () => {
      asked = await offers();
      const posted = new Set((await basePrice())?.history.map(({ price }) => postedPriceDown(price, DISCOUNT_BPS)));
      return asked.length === 2 && asked.every(({ prices }) => posted.has(prices.outputPerMillion));
    },
    40_000,
    () => `the providers did not follow: ${asked.map(({ prices }) => prices.outputPerMillion).join(", ")}`,
  );
  for (const { prices } of asked) {
    expect(prices.outputPerMillion).toBeLessThan(FIRST_PRICE);
  }
  // Buyers are served while prices move.
  await buyShortAnswers(network, 1);
}, 120_000);

test("before joining, the market of the last days tells what it does not take from flags", async () => {
  const machine = ["--tokens-per-second", "900", "--prompt-tokens-per-second", "9000"];
  const shown = await depinfer("margin", "--home", network.home, ...COSTS, ...machine);
  expect(shown.stderr).toBe("");
  expect(shown.stdout).toContain("Market of Depinfer Tiny, last seven days:");
  expect(shown.stdout).toMatch(/per +revenue +− fee +− power +− depreciation +\W margin/);
  expect(shown.stdout).toMatch(/\nmonth +/);
  const unknown = await depinfer("margin", "--home", network.home, ...COSTS, ...machine, "--model", "Nobody's");
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain(`Nobody ever offered "Nobody's" here`);
  const wrong = await depinfer("margin", "--home", network.home, "--provider", "0x12");
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('"0x12" is no provider');
});

test("a statement is written as a table of units for other programs", async () => {
  const [first] = await offers();
  const path = join(network.home, "margin.csv");
  const { code, stdout } = await depinfer(
    ...["margin", "--home", network.home, "--provider", first?.provider ?? "", "--by", "hour", "--csv", path, ...COSTS],
  );
  expect(code).toBe(0);
  expect(stdout).toContain("together");
  const [head = "", ...lines] = readFileSync(path, "utf8").trim().split("\n");
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    const cells = line.split(",");
    expect(cells).toHaveLength(head.split(",").length);
    const [revenue = 0n, fee = 0n, power = 0n, depreciation = 0n, margin = 0n] = cells.slice(-5).map(BigInt);
    expect(margin).toBe(revenue - fee - power - depreciation);
  }
  const nowhere = join(network.home, "nowhere", "margin.csv");
  const failed = await depinfer(
    ...["margin", "--home", network.home, "--provider", first?.provider ?? "", "--csv", nowhere, ...COSTS],
  );
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain(`cannot be written to ${nowhere}`);
});
