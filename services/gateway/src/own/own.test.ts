import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { type Hex, microUsd } from "@depinfer/protocol";
import { type GatewayEventName, gatewayApi, gatewayEvents } from "@depinfer/protocol/api";
import { assert, asyncProperty, integer, webUrl } from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { account, fails, says, startTestGateway, storedRequest, type TestGateway, zero } from "../test-gateway.ts";

let running: TestGateway;
let key: string;
let keys = 0;
beforeAll(async () => {
  running = await startTestGateway();
});
afterAll(() => running.stop());
beforeEach(async () => {
  running.standIn.reset();
  keys += 1;
  key = await running.keys.create(`own-${keys}`, null);
});

const own = () => ({ headers: { authorization: `Bearer ${key}` } });
const read = async (path: string) => JSON.parse((await running.call(path, own())).text);
const idOf = (index: number): Hex => `0x${index.toString(16).padStart(64, "0")}`;

/** Reads events until `enough` says so. */
async function listen(authorization = `Bearer ${key}`) {
  const request = httpRequest({
    host: "127.0.0.1",
    port: running.gateway.port,
    path: "/v1/events",
    headers: { authorization },
  });
  request.end();
  const [response]: IncomingMessage[] = await once(request, "response");
  if (response === undefined) {
    throw new Error("no response");
  }
  let text = "";
  response.setEncoding("utf8");
  // A stream has no end but that of its connection.
  response.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => response.once("close", resolve));
  response.on("data", (chunk: string) => {
    text += chunk;
  });
  return {
    status: response.statusCode,
    text: () => text,
    close: () => request.destroy(),
    ended,
    async until(name: GatewayEventName, count = 1) {
      while (text.split(`event: ${name}\n`).length <= count) {
        await once(response, "data");
      }
      return text
        .split("\n\n")
        .filter((event) => event.startsWith(`event: ${name}\n`))
        .map((event) => gatewayEvents[name].parse(JSON.parse(event.slice(event.indexOf("data: ") + 6))));
    },
  };
}

test("the version is told to everybody, with the time", async () => {
  const reply = await running.call("/v1/version", { headers: { authorization: "" } });
  expect(gatewayApi.version.answer.parse(JSON.parse(reply.text)).time).toBeGreaterThan(1_600_000_000_000);
});

describe("a key's own view", () => {
  test("says what it may do and has spent, and nothing that would let others in", async () => {
    await running.keys.setBudget(`own-${keys}`, microUsd(500));
    running.standIn.spent = 123n;
    const view = gatewayApi.key.answer.parse(await read("/v1/key"));
    expect(view).toMatchObject({ name: `own-${keys}`, budget: 500n, spent: 123n, pass: null, policy: null });
    expect(JSON.stringify(await read("/v1/key"))).not.toContain(key.slice(14));
  });

  test("is there for a key of any scope; what it did only for one that may see receipts", async () => {
    await running.keys.setSettings(`own-${keys}`, { scopes: ["models"] });
    expect((await running.call("/v1/key", own())).status).toBe(200);
    expect((await running.call("/v1/pulse", own())).status).toBe(200);
    expect((await running.call("/v1/receipts", own())).status).toBe(403);
    expect((await running.call("/v1/events", own())).status).toBe(403);
    expect((await running.call("/v1/pass", own())).status).toBe(403);
  });

  test("is nobody's without a key", async () => {
    for (const path of ["/v1/key", "/v1/pulse", "/v1/events", "/v1/pass"]) {
      expect((await running.call(path, { headers: { authorization: "" } })).status).toBe(401);
    }
  });
});

describe("events", () => {
  test("tell of the key's own requests, and of nobody else's", async () => {
    const [mine, other] = [await listen(), await listen(`Bearer ${running.key}`)];
    await running.chat({}, own());
    const [started] = await mine.until("request.started");
    const [finished] = await mine.until("request.finished");
    expect(started).toMatchObject({ id: zero, model: "words", provider: account, kind: "first" });
    expect(finished).toMatchObject({
      id: zero,
      state: "done",
      promptTokens: 3,
      outputTokens: 2,
      cost: 5n,
      fault: null,
    });
    await running.chat();
    await other.until("request.finished");
    expect(other.text().split("event: request.finished").length).toBe(2);
    expect(mine.text().split("event: request.finished").length).toBe(2);
    mine.close();
    other.close();
  });

  test("tell what went wrong, and which provider took over", async () => {
    const events = await listen();
    running.standIn.behave = fails("provider.gone", { after: "half" });
    await running.chat({}, own());
    const [failed] = await events.until("request.finished");
    expect(failed).toMatchObject({ state: "failed", fault: "provider.gone" });
    running.standIn.behave = async (ask, handlers, signal) => {
      await says("one")(ask, handlers, signal);
      return says("two")(ask, handlers, signal);
    };
    await running.chat({}, own());
    const starts = await events.until("request.started", 3);
    expect(starts.map((start) => ("kind" in start ? start.kind : ""))).toEqual(["first", "first", "retry"]);
    const ends = await events.until("request.finished", 3);
    expect(ends.map((end) => ("fault" in end ? end.fault : ""))).toEqual(["provider.gone", "replaced", null]);
    events.close();
  });

  test("are bounded: so many streams of a key, and a closed one makes room", async () => {
    const open = await Promise.all(Array.from({ length: 16 }, () => listen()));
    expect(open.map(({ status }) => status)).toEqual(open.map(() => 200));
    const full = await running.call("/v1/events", own());
    expect(full).toMatchObject({ status: 429, error: { code: "rate_limit_exceeded" } });
    for (const { close } of open) {
      close();
    }
    await Promise.all(open.map(({ ended }) => ended));
    let again = await listen();
    for (let tries = 0; again.status !== 200 && tries < 50; tries++) {
      again = await listen();
    }
    expect(again.status).toBe(200);
    again.close();
  });

  test("end when the gateway stops, which does not wait for them", async () => {
    const events = await listen();
    await running.restart();
    await events.ended;
  });
});

describe("the pulse", () => {
  test("counts what everybody buys, in seconds and in all", async () => {
    const before = gatewayApi.pulse.answer.parse(await read("/v1/pulse"));
    expect(before.seconds).toHaveLength(60);
    await running.chat();
    await running.chat({}, own());
    running.standIn.behave = fails("provider.busy", { retryable: true });
    await running.chat();
    const { total, active } = gatewayApi.pulse.answer.parse(await read("/v1/pulse"));
    expect(active).toBe(0);
    expect(total.requests - before.total.requests).toBe(2);
    expect(total.outputTokens - before.total.outputTokens).toBe(4);
    expect(total.cost - before.total.cost).toBe(10n);
    expect(total.failed - before.total.failed).toBe(1);
  });
});

describe("pages of receipts", () => {
  test("hold every request of the key once, newest first, whatever their size", async () => {
    running.standIn.stored = Array.from({ length: 37 }, (_, index) =>
      // Some began in the same millisecond.
      storedRequest(idOf(index), index % 3 === 0 ? "one" : `own-${keys}`, { startedAt: 1_000 + (index >> 2) }),
    );
    const mine = running.standIn.stored.filter(({ account: name }) => name !== "one").map(({ id }) => id);
    await assert(
      asyncProperty(integer({ min: 1, max: 40 }), async (limit) => {
        const ids: string[] = [];
        let after = "";
        for (let pages = 0; pages < 50; pages++) {
          const page = gatewayApi.receipts.answer.parse(await read(`/v1/receipts?limit=${limit}${after}`));
          expect(page.data.length).toBeLessThanOrEqual(limit);
          ids.push(...page.data.map(({ id }) => id));
          if (page.next === null) {
            break;
          }
          after = `&after=${page.next}`;
        }
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.toSorted()).toEqual(mine.toSorted());
      }),
      { numRuns: 12 },
    );
  });

  test("are refused for a place or a size that there is not", async () => {
    for (const query of ["limit=0", "limit=1001", "limit=x", "after=x", "after=1-0x12", `after=-1-${zero}`]) {
      const reply = await running.call(`/v1/receipts?${query}`, own());
      expect(reply).toMatchObject({ status: 400, error: { type: "invalid_request_error" } });
    }
  });
});

test("no path below makes the gateway fail in another way than by an error of ours", async () => {
  await assert(
    asyncProperty(webUrl({ withQueryParameters: true, withFragments: false }), async (url) => {
      const { search } = new URL(url);
      for (const path of ["/v1/receipts", "/v1/pulse", "/v1/key"]) {
        expect((await running.call(`${path}${search}`, own())).status).toBeLessThan(500);
      }
    }),
    { numRuns: 40 },
  );
});
