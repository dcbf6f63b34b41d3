import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { startTestGateway, type TestGateway } from "../test-gateway.ts";
import { type AdminServer, createAdminServer } from "./admin-server.ts";

const TOKEN = "owner-token-for-tests";
let running: TestGateway;
let admin: AdminServer;
let drained = 0;
beforeAll(async () => {
  running = await startTestGateway();
  admin = createAdminServer(
    { keys: running.keys, buyer: running.standIn.buyer, drain: () => void drained++, log: () => undefined },
    { port: 0, token: TOKEN },
  );
  await admin.start();
});
afterAll(async () => {
  await admin.stop();
  await running.stop();
});

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; json: Record<string, unknown> }>((resolve, reject) => {
    const request = httpRequest(
      {
        port: admin.port,
        host: "127.0.0.1",
        path,
        method,
        headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            json: z.record(z.string(), z.unknown()).parse(JSON.parse(text)),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
  });
}

test("the owner makes, looks at, changes and revokes keys", async () => {
  const settings = { scopes: ["models"], limits: { requestsPerMinute: 3 }, policy: { maxOutputPrice: "500" } };
  const made = await call("POST", "/admin/keys", { name: "alice", budget: "5000000", settings });
  expect(made).toMatchObject({ status: 201, json: { name: "alice", budget: "5000000", scopes: ["models"] } });
  const headers = { authorization: `Bearer ${made.json.key}` };
  expect((await running.call("/v1/models", { headers })).status).toBe(200);
  expect(await running.chat({}, { headers })).toMatchObject({
    status: 403,
    error: { code: "insufficient_permissions", type: "permission_error" },
  });
  const changes = { budget: null, settings: { scopes: ["inference", "models"], limits: { concurrent: 2 } } };
  expect(await call("PATCH", "/admin/keys/alice", changes)).toMatchObject({
    status: 200,
    json: {
      budget: null,
      limits: { requestsPerMinute: 3, tokensPerMinute: null, concurrent: 2 },
      policy: { maxOutputPrice: "500" },
    },
  });
  expect((await running.chat({}, { headers })).status).toBe(200);
  expect(await call("DELETE", "/admin/keys/alice")).toMatchObject({ status: 200, json: { revoked: true } });
  expect((await running.chat({}, { headers })).status).toBe(401);
  expect((await call("GET", "/admin/keys")).json.data).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: "alice", revoked: true })]),
  );
  expect(await call("GET", "/admin/usage?account=alice")).toMatchObject({ status: 200, json: { lines: [] } });
  expect(await call("POST", "/admin/drain")).toMatchObject({ status: 202 });
  expect(drained).toBe(1);
});

test.each([
  ["POST", "/admin/keys", { name: "a b" }, 400],
  ["POST", "/admin/keys", { name: "bob", settings: { scopes: ["everything"] } }, 400],
  ["POST", "/admin/keys", { name: "bob", settings: { limits: { concurrent: 0 } } }, 400],
  ["POST", "/admin/keys", { name: "bob", budget: 5 }, 400],
  ["POST", "/admin/keys", "{", 400],
  ["POST", "/admin/keys", JSON.stringify({ name: "x".repeat(70_000) }), 413],
  ["PATCH", "/admin/keys/nobody", {}, 404],
  ["DELETE", "/admin/keys/nobody", undefined, 404],
  ["GET", "/admin/usage?since=yesterday", undefined, 400],
  ["GET", "/admin/else", undefined, 404],
  ["PUT", "/admin/keys", undefined, 405],
] as const)("%s %s with %j is refused with its status", async (method, path, body, status) => {
  expect((await call(method, path, body)).status).toBe(status);
  expect((await call("GET", "/admin/keys/bob")).status).toBe(404);
});

test("nobody but the owner is let in, from nowhere but this machine's names", async () => {
  for (const authorization of ["", "Bearer x", `Bearer ${running.key}`, `Basic ${TOKEN}`]) {
    expect((await call("GET", "/admin/keys", undefined, { authorization })).status).toBe(401);
  }
  expect((await call("GET", "/admin/keys", undefined, { host: "evil.example" })).status).toBe(421);
  expect((await call("GET", "/admin/keys", undefined, { origin: "https://evil.example" })).status).toBe(403);
  expect((await running.call("/admin/keys", { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(404);
});
