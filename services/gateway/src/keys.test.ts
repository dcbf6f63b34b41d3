import { microUsd } from "@depinfer/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestGateway, type TestGateway } from "./test-gateway.ts";

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
