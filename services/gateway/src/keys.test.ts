import { microUsd } from "@depinfer/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { answer, says, startTestGateway, type TestGateway } from "./test-gateway.ts";

let running: TestGateway;
beforeAll(async () => {
  running = await startTestGateway();
});
afterAll(() => running.stop());
beforeEach(() => running.standIn.reset());

const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
const ask = (key: string) => running.chat({}, as(key));

describe("a key", () => {
  test("works until it is revoked, on every endpoint, also after a restart", async () => {
    const key = await running.keys.create("leaving", null);
    expect(await ask(key)).toMatchObject({ status: 200 });
    await running.keys.revoke("leaving");
    for (const reply of [
      await ask(key),
      await running.call("/v1/models", as(key)),
      await running.call("/v1/statement", as(key)),
    ]) {
      expect(reply).toMatchObject({ status: 401, error: { code: "invalid_api_key" } });
    }
    await running.restart();
    expect(await ask(key)).toMatchObject({ status: 401 });
    expect((await running.keys.list()).find(({ name }) => name === "leaving")).toMatchObject({ revoked: true });
  });

  test("is not made twice under one name, unless the first was revoked", async () => {
    const first = await running.keys.create("twice", null);
    await expect(running.keys.create("twice", null)).rejects.toMatchObject({ code: "key.nameTaken" });
    expect(await ask(first)).toMatchObject({ status: 200 });
    await running.keys.revoke("twice");
    const second = await running.keys.create("twice", microUsd(5));
    expect(await ask(second)).toMatchObject({ status: 200 });
    expect(await ask(first)).toMatchObject({ status: 401 });
  });

  test.each(["", "x402:0xabc", "pass:1", "a b", "a".repeat(65), "../etc", "é", "'; DROP TABLE keys; --"])(
    "cannot be called %j",
    async (name) => {
      const before = await running.keys.list();
      await expect(running.keys.create(name, null)).rejects.toMatchObject({ code: "key.badName" });
      expect(await running.keys.list()).toEqual(before);
    },
  );

  test("of nobody cannot be changed", async () => {
    for (const change of [
      () => running.keys.setBudget("nobody", null),
      () => running.keys.bindPass("nobody", 1n),
      () => running.keys.revoke("nobody"),
    ]) {
      await expect(change()).rejects.toMatchObject({ code: "key.noSuchName" });
    }
  });
});

describe("a budget", () => {
  test("that is changed counts from the next request on", async () => {
    const key = await running.keys.create("saver", microUsd(10));
    running.standIn.spent = 10n;
    expect(await ask(key)).toMatchObject({ status: 429, error: { code: "insufficient_quota" } });
    await running.keys.setBudget("saver", microUsd(11));
    expect(await ask(key)).toMatchObject({ status: 200 });
    expect(running.standIn.asked.at(-1)).toMatchObject({ account: "saver", budget: 11n });
    await running.keys.setBudget("saver", null);
    running.standIn.spent = 1_000_000n;
    expect(await ask(key)).toMatchObject({ status: 200 });
  });

  test("holds on every endpoint that buys, and is passed to the ledger, which reserves", async () => {
    const key = await running.keys.create("bounded", microUsd(10));
    const bodies = {
      "/v1/chat/completions": { model: "words", messages: [{ role: "user", content: "hi" }] },
      "/v1/completions": { model: "words", prompt: "hi" },
      "/v1/infer": { model: "words", inputs: { x: { type: "float32", shape: [1], data: "AACAPw==" } } },
    };
    for (const [path, body] of Object.entries(bodies)) {
      const send = () => running.call(path, { method: "POST", body: JSON.stringify(body), ...as(key) });
      running.standIn.spent = 9n;
      await send();
      expect(running.standIn.asked.at(-1), path).toMatchObject({ account: "bounded", budget: 10n });
      running.standIn.spent = 10n;
      expect(await send(), path).toMatchObject({ status: 429 });
    }
    expect(running.standIn.asked).toHaveLength(3);
  });
});

describe("a key with settings", () => {
  const limits = (given: object) => ({ limits: given });

  test("is for what its scopes say", async () => {
    const key = await running.keys.create("reader", null, { scopes: ["models", "receipts"] });
    expect((await running.call("/v1/models", as(key))).status).toBe(200);
    expect((await running.call("/v1/receipts", as(key))).status).toBe(200);
    for (const reply of [await ask(key), await running.call("/v1/statement", as(key))]) {
      expect(reply).toMatchObject({ status: 403, error: { code: "insufficient_permissions" } });
    }
    expect(running.standIn.asked).toEqual([]);
  });

  test("ends when it says so", async () => {
    const key = await running.keys.create("brief", null, { expiresAt: Date.now() + 3_600_000 });
    expect((await ask(key)).status).toBe(200);
    await running.keys.setSettings("brief", { expiresAt: Date.now() - 1 });
    expect(await ask(key)).toMatchObject({ status: 401, error: { code: "invalid_api_key" } });
    await running.keys.setSettings("brief", { expiresAt: null });
    expect((await ask(key)).status).toBe(200);
  });

  test("is told what is left of its rate, and when to come again", async () => {
    const key = await running.keys.create("rated", null, limits({ requestsPerMinute: 2, tokensPerMinute: 5_000 }));
    const first = await ask(key);
    expect(first.headers).toMatchObject({
      "x-ratelimit-limit-requests": "2",
      "x-ratelimit-remaining-requests": "1",
      "x-ratelimit-limit-tokens": "5000",
    });
    expect(first.headers["x-ratelimit-reset-requests"]).toMatch(/^(\d+m)?[\d.]+m?s$/);
    expect((await running.call("/v1/models", as(key))).headers["x-ratelimit-remaining-requests"]).toBe("0");
    for (const reply of [await ask(key), await running.call("/v1/models", as(key))]) {
      expect(reply).toMatchObject({ status: 429, error: { code: "rate_limit_exceeded", type: "rate_limit_error" } });
      expect(Number(reply.headers["retry-after"])).toBeGreaterThan(0);
      expect(reply.headers["x-ratelimit-remaining-requests"]).toBe("0");
    }
    expect(running.standIn.asked).toHaveLength(1);
    // Other keys have rates of their own.
    expect((await running.chat()).status).toBe(200);
  });

  test("pays for tokens as they were used, not as they were feared", async () => {
    const key = await running.keys.create("tokens", null, limits({ tokensPerMinute: 700 }));
    // Each is taken for 512 of output and some of prompt, and uses five.
    for (let i = 0; i < 5; i++) {
      expect((await ask(key)).status).toBe(200);
    }
    running.standIn.behave = () => new Promise(() => undefined);
    const hanging = new AbortController();
    fetch(`http://127.0.0.1:${running.gateway.port}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: "words", messages: [{ role: "user", content: "hi" }] }),
      signal: hanging.signal,
    }).catch(() => undefined);
    await expect.poll(() => running.standIn.asked.length).toBe(6);
    expect((await ask(key)).status).toBe(429);
    hanging.abort();
  });

  test("has so many requests at work and no more", async () => {
    const key = await running.keys.create("narrow", null, limits({ concurrent: 2 }));
    const ends: (() => void)[] = [];
    running.standIn.behave = async () => {
      await new Promise<void>((resolve) => ends.push(resolve));
      throw new Error("over");
    };
    const both = [ask(key), ask(key)];
    await expect.poll(() => ends.length).toBe(2);
    expect(await ask(key)).toMatchObject({ status: 429, error: { code: "rate_limit_exceeded" } });
    for (const end of ends) {
      end();
    }
    await Promise.all(both);
    running.standIn.reset();
    expect((await ask(key)).status).toBe(200);
  });

  test("brings its policy to requests that say nothing", async () => {
    const provider = `0x${"0b".repeat(20)}` as const;
    const key = await running.keys.create("choosy", null, { policy: { deny: [provider], regions: ["eu"] } });
    await ask(key);
    expect(running.standIn.asked[0]?.policy).toMatchObject({ deny: [provider], regions: ["eu"] });
  });

  test.each([
    { scopes: [] },
    { scopes: ["admin"] },
    { limits: { requestsPerMinute: 0 } },
    { limits: { concurrent: 1.5 } },
    { expiresAt: -1 },
    { policy: { nonsense: 1 } },
  ])("cannot be set to %j", async (settings) => {
    const before = await running.keys.list();
    const bad = JSON.parse(JSON.stringify(settings));
    await expect(running.keys.create("bad", null, bad)).rejects.toMatchObject({ code: "key.badSettings" });
    await expect(running.keys.setSettings("twice", bad)).rejects.toMatchObject({ code: "key.badSettings" });
    expect(await running.keys.list()).toEqual(before);
  });
});

test("a key may come as x-api-key, and no header of the client goes to a provider", async () => {
  const key = await running.keys.create("other-header", null);
  const reply = await running.chat({}, { headers: { authorization: "", "x-api-key": key, cookie: "session=secret" } });
  expect(reply.status).toBe(200);
  const [asked] = running.standIn.asked;
  const sent = JSON.stringify(asked, (_name, value: unknown) => {
    const text = value instanceof Uint8Array ? Buffer.from(value).toString() : value;
    return typeof text === "bigint" ? text.toString() : text;
  });
  expect(sent).toContain("words");
  expect(sent).not.toContain(key);
  expect(sent).not.toContain("secret");
});

test("a gateway that drains says so at once, finishes what it began and takes nothing new", async () => {
  const own = await startTestGateway();
  let finish: () => void = () => undefined;
  own.standIn.behave = async (ask, handlers, signal) => {
    await says("begun, ")(ask, handlers, signal);
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    await handlers.onText("done", []);
    return answer;
  };
  const streaming = own.chat({ stream: true });
  await expect.poll(() => own.standIn.asked.length).toBe(1);
  own.gateway.drain();
  expect(await own.call("/readyz")).toMatchObject({ status: 503, text: expect.stringContaining("draining") });
  expect((await own.call("/healthz")).status).toBe(200);
  expect(await own.chat()).toMatchObject({ status: 503, error: { code: "gateway.draining" } });
  const stopped = own.stop();
  finish();
  const { text } = await streaming;
  expect(text).toContain("done");
  expect(text).toContain("[DONE]");
  await stopped;
});
