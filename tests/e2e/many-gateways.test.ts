import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openSharedDatabase } from "@depinfer/gateway";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { callControl } from "../../apps/cli/src/service/control.ts";
import { serverPrograms, startServer, type TestServer } from "../postgres-server.ts";
import { discard, startTestNetwork, type TestNetwork, waitFor } from "./local-network.ts";
import { expectWhole, moneyTools } from "./money-tools.ts";

/*
 * Two gateways as processes of their own, on one PostgreSQL, one chain and one set of providers. What one of them knows
 * the other knows; when one is killed, the other goes on with its money.
 */

const programs = serverPrograms();
const CALLERS = 8;
const TURNS = 12;
const receiptsSchema = z.object({ data: z.array(z.object({ id: z.string(), cost: z.string().transform(BigInt) })) });
const keysSchema = z.array(z.object({ name: z.string(), spent: z.string().transform(BigInt) }));

describe.skipIf(programs === null)("two gateways of one group", () => {
  let server: TestServer;
  let network: TestNetwork;
  let model = "";

  beforeAll(async () => {
    server = await startServer(programs ?? "");
    network = await startTestNetwork([
      "--providers",
      "2",
      "--validators",
      "0",
      "--gateways",
      "2",
      "--database-url",
      server.url,
    ]);
    await waitFor(
      async () => (await offers("gateway-2")) === 2,
      30_000,
      () => "the second gateway sees no providers",
    );
    model = (await moneyTools(network)).model;
  }, 150_000);
  afterAll(async () => {
    await discard(network);
    await server?.stop();
  }, 60_000);

  const folder = (service: string) => join(network.home, service);
  const control = (service: string, method: string, parameters?: unknown) =>
    callControl(folder(service), method, parameters);
  const info = (service: string) =>
    readFileSync(join(network.home, "logs", `${service}.log`), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .findLast(({ message }) => message === "ready");
  const urlOf = (service: string): string => info(service).url;
  const offers = async (service: string) => {
    const { offers: count } = z.object({ offers: z.number() }).parse(await control(service, "state"));
    return count;
  };
  const newKey = async (service: string, name: string, budget: string | null, settings = {}) =>
    z.string().parse(await control(service, "createKey", { name, budget, settings }));

  async function ask(service: string, key: string, headers: Record<string, string> = {}, maxTokens = 12) {
    const response = await fetch(`${urlOf(service)}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, ...headers },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "Name a colour." }], max_tokens: maxTokens }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Units that a key has spent at both, as their journals say. */
  async function spent(name: string, services: readonly string[] = ["gateway", "gateway-2"]): Promise<bigint> {
    const lists = await Promise.all(
      services.map(async (service) => keysSchema.parse(await control(service, "listKeys"))),
    );
    return lists.flat().reduce((sum, key) => sum + (key.name === name ? key.spent : 0n), 0n);
  }

  test("know each other's keys from the next request on", async () => {
    const key = await newKey("gateway", "app", null);
    expect(await ask("gateway-2", key)).toMatchObject({ status: 200 });
    await control("gateway-2", "revokeKey", { name: "app" });
    expect(await ask("gateway", key)).toMatchObject({ status: 401 });
  }, 60_000);

  test("hold a key to one rate", async () => {
    const key = await newKey("gateway", "rated", null, { limits: { requestsPerMinute: 4 } });
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, index) => ask(index % 2 === 0 ? "gateway" : "gateway-2", key)),
    );
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(3);
    expect(refused[0]?.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(refused[0]?.headers.get("x-ratelimit-limit-requests")).toBe("4");
    expect(JSON.parse(refused[0]?.text ?? "{}").error.code).toBe("rate_limit_exceeded");
  }, 60_000);

  test("hold a key to one budget, whatever is asked of both at once", async () => {
    const key = await newKey("gateway", "bounded", "60");
    for (let round = 0; round < 4; round++) {
      await Promise.all(Array.from({ length: 6 }, (_, index) => ask(index % 2 === 0 ? "gateway" : "gateway-2", key)));
    }
    expect(await spent("bounded")).toBeLessThanOrEqual(60n);
    expect(await spent("bounded")).toBeGreaterThan(0n);
  }, 90_000);

  test("buy a request once that is sent to both under one idempotency key", async () => {
    const key = await newKey("gateway", "once", null);
    const both = await Promise.all(
      ["gateway", "gateway-2"].map((service) => ask(service, key, { "idempotency-key": "same" })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    const cost = await spent("once");
    const again = await Promise.all(
      ["gateway", "gateway-2"].map((service) => ask(service, key, { "idempotency-key": "same" })),
    );
    for (const reply of again) {
      expect(reply.status).toBe(200);
      expect(reply.text).toBe(both.find(({ status }) => status === 200)?.text);
    }
    expect(await spent("once")).toBe(cost);
  }, 60_000);

  test("hand a seat over at once when one is told to stop, and make no new one for its return", async () => {
    const database = await openSharedDatabase(server.url);
    const seats = async () => (await database.query("SELECT id FROM journal_seats ORDER BY id")).map(({ id }) => id);
    const before = await seats();
    const stopped = network.pid("gateway-2");
    process.kill(stopped, "SIGTERM");
    await waitFor(
      async () => network.pid("gateway-2") !== stopped && (await offers("gateway-2").catch(() => 0)) === 2,
      40_000,
      () => "the second gateway did not come back",
    );
    expect(await seats()).toEqual(before);
    const key = await newKey("gateway", "rolling", null);
    expect(await ask("gateway-2", key)).toMatchObject({ status: 200 });
    await database.close();
  }, 60_000);

  test("lose nothing when one is killed under load, and pay each answer that was delivered once", async () => {
    const key = await newKey("gateway", "load", null);
    const tools = await moneyTools(network);
    const initial = (await tools.where()).supply.total;
    const seat = String(info("gateway-2").seat);
    let killed = false;
    const delivered: string[] = [];
    const caller = async (index: number) => {
      for (let turn = 0; turn < TURNS; turn++) {
        const name = `${index}.${turn}`;
        // A client tries again, at the other gateway, under the same key.
        for (let tries = 0; tries < 60; tries++) {
          const service = killed || (index + tries) % 2 === 0 ? "gateway" : "gateway-2";
          const reply = await ask(service, key, { "idempotency-key": name }, 48).catch(() => null);
          if (reply?.status === 200) {
            delivered.push(String(reply.headers.get("x-depinfer-receipt")));
            break;
          }
          await new Promise((resolve) => setTimeout(resolve, 500));
        }
      }
    };
    const load = Promise.all(Array.from({ length: CALLERS }, (_, index) => caller(index)));
    await waitFor(
      () => delivered.length > CALLERS * 3,
      60_000,
      () => "the load does not get on",
    );
    const victim = network.pid("gateway-2");
    process.kill(victim, "SIGKILL");
    killed = true;
    await load;
    expect(new Set(delivered).size).toBe(CALLERS * TURNS);
    // Started again by its supervisor it takes a seat; its old one is taken over by either.
    await waitFor(
      () =>
        ["gateway", "gateway-2"].some((service) =>
          readFileSync(join(network.home, "logs", `${service}.log`), "utf8").includes(`took over seat ${seat}`),
        ) || String(info("gateway-2").seat) === seat,
      40_000,
      () => `nobody took over seat ${seat}`,
    );
    await waitFor(
      async () => network.pid("gateway-2") !== victim && (await offers("gateway-2").catch(() => 0)) === 2,
      40_000,
      () => "the second gateway did not come back",
    );
    // Each answer that a client has is charged once. What was under way in the killed process is paid to its provider; its
    // text is lost with the process, so the retry buys it again, and the lost one is charged to nobody.
    const charged = async () => {
      const lists = await Promise.all(
        ["gateway", "gateway-2"].map(async (service) => {
          const headers = { authorization: `Bearer ${key}` };
          const response = await fetch(`${urlOf(service)}/v1/receipts`, { headers });
          return receiptsSchema.parse(await response.json()).data;
        }),
      );
      return lists.flat().filter(({ cost }) => cost > 0n);
    };
    await waitFor(
      async () => (await charged()).length <= delivered.length,
      30_000,
      () => "more answers are charged than were delivered",
    );
    const paid = await charged();
    expect(paid.map(({ id }) => id).sort()).toEqual([...delivered].sort());
    expect(paid.reduce((sum, { cost }) => sum + cost, 0n)).toBe(await spent("load"));
    const where = await tools.where();
    expectWhole(where, initial);
    // A channel is in one journal, so that only one process signs for it.
    const channels = await Promise.all(
      ["gateway", "gateway-2"].map(async (service) =>
        z.array(z.object({ id: z.string() })).parse(await control(service, "channels")),
      ),
    );
    const ids = channels.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const service of ["gateway", "gateway-2"]) {
      expect(await ask(service, key)).toMatchObject({ status: 200 });
    }
  }, 180_000);
});
