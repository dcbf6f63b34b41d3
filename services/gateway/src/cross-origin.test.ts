import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { chatBody, says, startTestGateway, type TestGateway, zero } from "./test-gateway.ts";

/* What browsers, load balancers and HTTP libraries do besides plain requests. */

let running: TestGateway;
beforeAll(async () => {
  running = await startTestGateway({ allowedHosts: ["app.example"] });
});
afterAll(() => running.stop());
beforeEach(() => {
  running.standIn.reset();
  running.standIn.behave = says("fine");
});

const url = (path: string) => `http://127.0.0.1:${running.gateway.port}${path}`;
const post = (headers: Record<string, string>, body: string | Uint8Array<ArrayBuffer>) =>
  fetch(url("/v1/chat/completions"), {
    method: "POST",
    headers: { authorization: `Bearer ${running.key}`, "content-type": "application/json", ...headers },
    body,
  });

test("a page of an allowed host may ask before it sends a key, and read what it gets", async () => {
  const origin = "https://app.example";
  const asked = await fetch(url("/v1/chat/completions"), {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    },
  });
  expect(asked.status).toBe(204);
  expect(Object.fromEntries(asked.headers)).toMatchObject({
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "authorization,content-type",
  });
  const answered = await post({ origin }, chatBody());
  expect(answered.status).toBe(200);
  expect(answered.headers.get("access-control-allow-origin")).toBe(origin);
  expect(answered.headers.get("access-control-allow-credentials")).toBeNull();
  const streamed = await post({ origin }, chatBody({ stream: true }));
  expect(streamed.headers.get("access-control-allow-origin")).toBe(origin);
  const refused = await post({ origin, authorization: "Bearer nonsense" }, chatBody());
  expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, origin]);
});

test("a page of another host may not, and is told nothing", async () => {
  for (const method of ["OPTIONS", "GET"]) {
    const asked = await fetch(url("/v1/models"), { method, headers: { origin: "https://evil.example" } });
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([403, null]);
  }
});

test("HEAD is GET without a body, and other methods are told what there is", async () => {
  const health = await fetch(url("/healthz"), { method: "HEAD" });
  expect([health.status, await health.text()]).toEqual([200, ""]);
  const chat = await fetch(url("/v1/chat/completions"), { method: "HEAD" });
  expect([chat.status, chat.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
});

test("a compressed body is refused by the name of its encoding, and one that is not is taken", async () => {
  const refused = await post({ "content-encoding": "gzip" }, new Uint8Array(gzipSync(chatBody())));
  expect(refused.status).toBe(415);
  expect(await refused.json()).toMatchObject({ error: { param: "content-encoding", code: "request.encoded" } });
  expect(running.standIn.asked).toEqual([]);
  expect((await post({ "content-encoding": "identity" }, chatBody())).status).toBe(200);
});

test("a header of ours that is misspelt is refused by name", async () => {
  const refused = await post({ "x-depinfer-max-output-prise": "1" }, chatBody());
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ error: { param: "x-depinfer-max-output-prise" } });
  expect(running.standIn.asked).toEqual([]);
});

test("a class is found by its id", async () => {
  expect(await running.call(`/v1/models/${zero}`)).toMatchObject({ status: 200 });
});
