import { digestSha256, encodeRequest, type Hex, microUsd, type SignedReceipt, toHex, utf8 } from "@depinfer/protocol";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createIdempotency } from "./idempotency.ts";
import {
  account,
  fails,
  offer,
  says,
  startTestGateway,
  storedRequest,
  type TestGateway,
  zero,
} from "./test-gateway.ts";

let running: TestGateway;
let keyCount = 0;
beforeAll(async () => {
  running = await startTestGateway({}, (journal) => ({
    idempotency: createIdempotency(journal, { now: () => clock, mostBytes: 2_000, mostAnswers: 3 }),
  }));
});
afterAll(() => running.stop());
let clock = 1_000_000;
beforeEach(() => running.standIn.reset());

const fresh = () => `key-${keyCount++}`;
const ask = (key: string, extra: object = {}, headers: Record<string, string> = {}) =>
  running.chat(extra, { headers: { "idempotency-key": key, ...headers } });
const bought = () => running.standIn.asked.length;
/** The headers that make an answer, without those of the connection. */
const told = (headers: Record<string, string | string[] | undefined>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /^(x-|content-)/.test(name)));

describe("a request that is sent twice under one key", () => {
  test.each([false, true])("is bought once, and answered the same byte for byte (stream: %s)", async (stream) => {
    const key = fresh();
    running.standIn.behave = says("hello", " the", "re");
    const first = await ask(key, { stream });
    running.standIn.behave = says("something else");
    const second = await ask(key, { stream });
    expect(bought()).toBe(1);
    expect(second.text).toBe(first.text);
    expect(second.status).toBe(200);
    expect(told(second.headers)).toMatchObject(told(first.headers));
    expect([first.headers["idempotency-replayed"], second.headers["idempotency-replayed"]]).toEqual([
      undefined,
      "true",
    ]);
  });

  test("is read by the stock client as a stream, again", async () => {
    const key = fresh();
    const openai = new OpenAI({ baseURL: `http://127.0.0.1:${running.gateway.port}/v1`, apiKey: running.key });
    const read = async () => {
      let text = "";
      const stream = await openai.chat.completions.create(
        { model: "words", messages: [{ role: "user", content: "hi" }], stream: true },
        { headers: { "idempotency-key": key } },
      );
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? "";
      }
      return text;
    };
    expect([await read(), await read()]).toEqual(["hello there", "hello there"]);
    expect(bought()).toBe(1);
  });

  test("is bought once across a restart", async () => {
    const key = fresh();
    const first = await ask(key);
    await running.restart();
    expect(await ask(key)).toMatchObject({ status: 200, text: first.text });
    expect(bought()).toBe(1);
  });

  test("is refused with 422 when it asks for something else, in its body or in a header", async () => {
    const key = fresh();
    await ask(key);
    for (const other of [ask(key, { temperature: 0 }), ask(key, {}, { "x-depinfer-min-proof": "seeded" })]) {
      expect(await other).toMatchObject({ status: 422, error: { code: "idempotency.mismatch" } });
    }
    expect(bought()).toBe(1);
  });

  test("is refused with 409 while the first is at work, also when both come at once", async () => {
    const key = fresh();
    const finish = Promise.withResolvers<void>();
    running.standIn.behave = async (...args) => {
      await finish.promise;
      return says("late")(...args);
    };
    const both = [ask(key), ask(key)];
    const refused = await Promise.race(both);
    expect(refused).toMatchObject({ status: 409, error: { code: "idempotency.running" } });
    expect(refused.headers["retry-after"]).toBeDefined();
    finish.resolve();
    expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(bought()).toBe(1);
  });

  test("is answered after its client went away: the work goes on", async () => {
    const key = fresh();
    let aborted = false;
    const begun = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    running.standIn.behave = async (given, handlers, signal) => {
      signal?.addEventListener("abort", () => {
        aborted = true;
      });
      begun.resolve();
      await finish.promise;
      return says("worth waiting for")(given, handlers);
    };
    const leaving = new AbortController();
    const lost = fetch(`http://127.0.0.1:${running.gateway.port}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${running.key}`, "idempotency-key": key },
      body: JSON.stringify({ model: "words", messages: [{ role: "user", content: "hi" }] }),
      signal: leaving.signal,
    });
    await begun.promise;
    leaving.abort();
    await expect(lost).rejects.toThrow();
    finish.resolve();
    await expect.poll(async () => (await ask(key)).status).toBe(200);
    expect((await ask(key)).text).toContain("worth waiting for");
    expect({ aborted, bought: bought() }).toEqual({ aborted: false, bought: 1 });
  });

  test("belongs to its API key", async () => {
    const key = fresh();
    await ask(key);
    const other = await running.keys.create("another", null);
    const reply = await ask(key, {}, { authorization: `Bearer ${other}` });
    expect(reply.headers["idempotency-replayed"]).toBeUndefined();
    expect(bought()).toBe(2);
  });
});

describe("a key is free again", () => {
  test.each([false, true])("after a failure (stream: %s)", async (stream) => {
    const key = fresh();
    for (const after of [undefined, "half an ans"]) {
      running.standIn.behave = fails("provider.silent", { retryable: true, ...(after === undefined ? {} : { after }) });
      await ask(key, { stream });
    }
    running.standIn.behave = says("at last");
    expect((await ask(key, { stream })).text).toContain("at last");
    expect(bought()).toBe(3);
  });

  test("after a day, and then even for another request", async () => {
    const key = fresh();
    await ask(key);
    clock += 24 * 3_600_000 + 1;
    expect(await ask(key, { temperature: 0 })).toMatchObject({ status: 200 });
    expect(bought()).toBe(2);
  });
});

test.each(["", " ", "a key with spaces", "k".repeat(256), "ключ"])("%j is no key", async (key) => {
  const encoded = Buffer.from(key).toString("latin1");
  expect(await ask(encoded)).toMatchObject({ status: 400, error: { param: "idempotency-key" } });
  expect(bought()).toBe(0);
});

test("an answer that is too long to keep is not bought again, and its receipt is named", async () => {
  const key = fresh();
  running.standIn.behave = says("x".repeat(3_000));
  expect((await ask(key)).status).toBe(200);
  const second = await ask(key);
  expect(second).toMatchObject({ status: 409, error: { code: "idempotency.tooLong" } });
  expect(second.headers["x-depinfer-receipt"]).toBe(zero);
  expect(bought()).toBe(1);
});

test("answers do not pile up", async () => {
  for (let i = 0; i < 200; i++) {
    await ask(fresh());
  }
  const rows = running.journal.db.prepare("SELECT count(*) AS n FROM answers WHERE account = 'one'").get();
  expect(Number(rows?.n)).toBeLessThanOrEqual(3 + 64);
});

test("answers do not fill the disk: the oldest go first", async () => {
  const journal = running.journal;
  const store = createIdempotency(journal, { now: () => clock, mostTotalBytes: 5_000 });
  const free = async () => "free" as const;
  for (let i = 0; i < 129; i++) {
    clock += 1;
    const begun = await store.begin(`bulk-${i % 7}`, `k${i}`, "hash", free);
    if ("first" in begun) {
      await begun.first.keep({ status: 200, headers: {}, body: new Uint8Array(1_000) });
    }
  }
  const rows = journal.db.prepare("SELECT key FROM answers WHERE account LIKE 'bulk-%' ORDER BY begun_at").all();
  const keys = rows.map(({ key }) => String(key));
  // Swept at the 129th: five of the 128 before it fit.
  expect(keys).toEqual(["k123", "k124", "k125", "k126", "k127", "k128"]);
});

describe("a gateway that died while it was buying", () => {
  const requestId: Hex = `0x${"77".repeat(32)}`;
  const receipt: SignedReceipt["receipt"] = {
    requestId,
    requestHash: zero,
    classId: zero,
    promptHash: zero,
    transcriptRoot: zero,
    textHash: toHex(digestSha256(utf8("charged already"))),
    seedCommitment: zero,
    channelId: zero,
    provider: account,
    promptTokens: 3,
    cachedTokens: 0,
    outputTokens: 2,
    stopReason: "end",
    proofLevel: "seeded",
    cost: microUsd(5),
    startedAt: 1,
    finishedAt: 2,
  };

  const request = encodeRequest({
    terms: {
      v: 1,
      requestId,
      endpoint: "chat",
      classId: zero,
      channelId: zero,
      buyerNonce: zero,
      maxOutputTokens: 10,
      prices: offer.prices,
      audit: "validator",
    },
    body: new Uint8Array(),
  });
  const signed = { receipt, signature: "0x" } as const;

  /** Leaves a request unanswered behind, as a crash does. */
  async function crashed(extra: object): Promise<string> {
    const key = fresh();
    const begun = Promise.withResolvers<void>();
    running.standIn.behave = (asked, { onAccept }) => {
      asked.onBegun?.(requestId);
      onAccept?.({
        requestId,
        offer,
        accept: { providerNonce: zero, promptTokens: 3, cachedTokens: 0, promptHash: zero },
      });
      begun.resolve();
      return new Promise(() => undefined);
    };
    const lost = ask(key, extra).catch(() => undefined);
    await begun.promise;
    await running.restart();
    await lost;
    running.standIn.behave = says("bought again");
    return key;
  }

  test.each([false, true])("gives the answer that was charged, without buying another (stream: %s)", async (stream) => {
    const key = await crashed({ stream });
    running.standIn.stored = [storedRequest(requestId, "one", { request, text: "charged already", signed })];
    const reply = await ask(key, { stream });
    expect(reply.status).toBe(200);
    expect(reply.text).toContain("charged already");
    expect(reply.headers["x-depinfer-receipt"]).toBe(requestId);
    expect(bought()).toBe(1);
    expect(running.standIn.absorbed).toEqual([]);
  });

  test("refuses another request under the key without giving up what was charged for the first", async () => {
    const key = await crashed({});
    running.standIn.stored = [storedRequest(requestId, "one", { request, text: "charged already", signed })];
    expect(await ask(key, { n: 2 })).toMatchObject({ status: 422, error: { code: "idempotency.mismatch" } });
    expect(running.standIn.absorbed).toEqual([]);
    expect((await ask(key)).text).toContain("charged already");
  });

  test("buys again what was charged and whose text was lost with it, and charges the lost one to nobody", async () => {
    for (const text of ["", "charged"]) {
      const key = await crashed({});
      running.standIn.stored = [storedRequest(requestId, "one", { request, text, signed })];
      expect((await ask(key)).text).toContain("bought again");
    }
    const cut = { ...signed, receipt: { ...receipt, stopReason: "cancelled" as const } };
    const key = await crashed({});
    running.standIn.stored = [storedRequest(requestId, "one", { request, text: "charged already", signed: cut })];
    expect((await ask(key)).text).toContain("bought again");
    expect(running.standIn.absorbed).toEqual([requestId, requestId, requestId]);
  });

  test("waits for a while when it is not known yet what was charged", async () => {
    const key = await crashed({});
    running.standIn.stored = [storedRequest(requestId, "one", { state: "broken" })];
    expect(await ask(key)).toMatchObject({ status: 409, error: { code: "idempotency.running" } });
    clock += 120_001;
    expect((await ask(key)).text).toContain("bought again");
  });

  test("buys again when nothing was charged", async () => {
    const key = await crashed({});
    running.standIn.stored = [storedRequest(requestId, "one", { state: "failed" })];
    expect((await ask(key)).text).toContain("bought again");
  });
});
