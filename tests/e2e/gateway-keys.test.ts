import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { homePaths } from "../../apps/cli/src/home.ts";
import { callControl } from "../../apps/cli/src/service/control.ts";
import { discard, startTestNetwork, type TestNetwork } from "./local-network.ts";

/* What the owner of a gateway and the holders of its keys can count on, on a real network. */

let network: TestNetwork;
let model = "";
beforeAll(async () => {
  network = await startTestNetwork(["--providers", "1", "--validators", "0"]);
  const openai = new OpenAI({ baseURL: `${network.access.url}/v1`, apiKey: network.access.apiKey });
  model = (await openai.models.list()).data[0]?.id ?? "";
}, 120_000);
afterAll(() => discard(network), 30_000);

const control = (method: string, parameters?: unknown) =>
  callControl(homePaths(network.home).service("gateway"), method, parameters);
const keysSchema = z.array(
  z.object({ name: z.string(), spent: z.string().transform(BigInt), reserved: z.string(), revoked: z.boolean() }),
);
const spentBy = async (name: string) =>
  keysSchema.parse(await control("listKeys")).find((key) => key.name === name)?.spent ?? 0n;
const statementSchema = z.object({
  lines: z.array(z.object({ outputTokens: z.number(), cost: z.string() })),
  total: z.object({ requests: z.number(), outputTokens: z.number(), cost: z.string() }),
});

async function ask(key: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${network.access.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, ...headers },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Name a colour." }], max_tokens: 12 }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test("a request that is sent twice is bought once, and the statement is what the ledger says", async () => {
  const key = z.string().parse(await control("createKey", { name: "app", budget: null }));
  const first = await ask(key, { "idempotency-key": "one" });
  const spent = await spentBy("app");
  const second = await ask(key, { "idempotency-key": "one" });
  expect(second).toMatchObject({ status: 200, text: first.text });
  expect(second.headers.get("idempotency-replayed")).toBe("true");
  expect(await spentBy("app")).toBe(spent);
  const other = await ask(key);
  expect(other.status).toBe(200);

  const read = (query: string) =>
    fetch(`${network.access.url}/v1/statement${query}`, { headers: { authorization: `Bearer ${key}` } });
  const statement = statementSchema.parse(await (await read("")).json());
  expect(BigInt(statement.total.cost)).toBe(await spentBy("app"));
  expect(statement.total.requests).toBe(2);
  const tokens = [first, other].map(({ text }) => JSON.parse(text).usage.completion_tokens);
  expect(statement.total.outputTokens).toBe(tokens[0] + tokens[1]);
  const rows = (await (await read("?format=csv")).text()).trim().split("\r\n");
  expect(rows.at(-1)).toContain(`,${statement.total.cost},`);
  expect(rows).toHaveLength(2 + statement.lines.length);
}, 60_000);

test("a budget holds for requests at once, can be raised, and ends with the key", async () => {
  const key = z.string().parse(await control("createKey", { name: "bounded", budget: "60" }));
  const statuses = (await Promise.all(Array.from({ length: 20 }, () => ask(key)))).map(({ status }) => status);
  expect(statuses).toContain(429);
  expect(await spentBy("bounded")).toBeLessThanOrEqual(60n);
  await control("setBudget", { name: "bounded", budget: null });
  expect((await ask(key)).status).toBe(200);
  await control("revokeKey", { name: "bounded" });
  expect((await ask(key)).status).toBe(401);
  await expect(control("createKey", { name: "a b", budget: null })).rejects.toMatchObject({ code: "key.badName" });
  await expect(control("setBudget", { name: "nobody", budget: "1" })).rejects.toMatchObject({
    code: "key.noSuchName",
  });
  await expect(control("bindPass", { name: "app", pass: "-1" })).rejects.toMatchObject({
    code: "control.badParameters",
  });
}, 60_000);
