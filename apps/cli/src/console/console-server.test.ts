import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { consoleApi } from "@depinfer/protocol/api";
import { assert, asyncProperty, string, webPath } from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAppFiles } from "./app-files.ts";
import { type Console, createConsole } from "./console-server.ts";
import { proofRoutes } from "./proof-routes.ts";
import { contentSecurityPolicy } from "./security-headers.ts";
import { walletRoute } from "./wallet/wallet-route.ts";

const home = mkdtempSync(join(tmpdir(), "depinfer-console-"));
const dist = join(home, "dist");
const logged: string[] = [];
const log = (_level: string, message: string) => logged.push(message);
let server: Console;
const building = Promise.withResolvers<boolean>();
let early: Console;

const config = consoleApi.config.answer.parse({
  gatewayUrl: "http://127.0.0.1:8787",
  indexerUrl: "http://127.0.0.1:8788",
  apiKey: "sk-depinfer-secret",
  console: true,
  testWallet: true,
});
const options = { host: "127.0.0.1", port: 0, allowedHosts: ["box.example"], config };

beforeAll(async () => {
  mkdirSync(join(dist, "assets"), { recursive: true });
  writeFileSync(join(dist, "index.html"), "<title>app</title>");
  writeFileSync(join(dist, ".sources"), "private");
  writeFileSync(join(dist, "assets/main-1a2b.js"), "export {};".repeat(100));
  writeFileSync(join(home, "secret.txt"), "secret");
  const routes = [proofRoutes(join(home, "network.json"), log), walletRoute(null, log)];
  server = createConsole({ files: createAppFiles(log, dist, null), routes, log }, options);
  await server.start();
  const build = { ended: building.promise, stop: () => undefined };
  early = createConsole({ files: createAppFiles(log, dist, build), routes: [], log }, options);
  await early.start();
});
afterAll(async () => {
  await Promise.all([server.stop(), early.stop()]);
  rmSync(home, { recursive: true, force: true });
});

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly at?: Console;
}

/** As `fetch`, but any path and any header may be sent. */
function ask(path: string, { method = "GET", headers = {}, body, at = server }: Asked = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string; code: unknown }>(
    (resolve, reject) => {
      const request = httpRequest({ host: "127.0.0.1", port: at.port, path, method, headers }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on("end", () => {
          const json = text.startsWith("{") ? JSON.parse(text) : {};
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, code: json.error?.code });
        });
      });
      request.on("error", reject);
      request.end(body);
    },
  );
}

describe("the page", () => {
  test("may run its own scripts, talk to its own servers, and be framed by nobody", async () => {
    const { headers, text } = await ask("/");
    expect(text).toContain("app");
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cache-control": "no-cache",
    });
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("connect-src 'self' http://127.0.0.1:8787 http://127.0.0.1:8788;");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
  });

  test("names each server's origin once, whatever its path", () => {
    const policy = contentSecurityPolicy({
      gatewayUrl: "https://one.example/base/",
      indexerUrl: "https://one.example/other",
      rpcUrl: "https://rpc.example/v2/some-key",
    });
    expect(policy).toContain("connect-src 'self' https://one.example https://rpc.example;");
    expect(policy).not.toContain("some-key");
  });

  test("keeps what is named by its content for ever and asks for the rest again", async () => {
    const asset = await ask("/assets/main-1a2b.js");
    expect(asset.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect((await ask("/assets/main-gone.js")).status).toBe(404);
    expect((await ask("/favicon.png")).status).toBe(404);
  });

  test("is found from every path that is no file", async () => {
    expect(await ask("/market/offers?x=1")).toMatchObject({ status: 302, headers: { location: "/" } });
  });

  test("is all that is served of the disk", async () => {
    for (const path of ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/.sources", "/%00"]) {
      const { status, text } = await ask(path);
      expect([302, 404]).toContain(status);
      expect(text).not.toContain("secret");
      expect(text).not.toContain("private");
    }
  });

  test("looks again by itself while it is built, and is there afterwards", async () => {
    const waiting = await ask("/", { at: early });
    expect(waiting.status).toBe(503);
    expect(waiting.text).toContain('http-equiv="refresh"');
    expect((await ask("/api/version", { at: early })).status).toBe(200);
    building.resolve(true);
    await expect.poll(async () => (await ask("/", { at: early })).status).toBe(200);
  });
});

describe("who may ask", () => {
  test("only those who call it by a name of its own", async () => {
    expect(await ask("/", { headers: { host: "evil.example" } })).toMatchObject({ code: "http.hostNotAllowed" });
    expect((await ask("/", { headers: { host: "box.example" } })).status).toBe(200);
  });

  test("only its own page, also among pages of the same machine", async () => {
    const own = `http://127.0.0.1:${server.port}`;
    expect((await ask("/api/version", { headers: { origin: own } })).status).toBe(200);
    const foreign: Record<string, string>[] = [
      { origin: "http://localhost:3000" },
      { origin: "http://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ];
    for (const headers of foreign) {
      for (const path of ["/api/version", "/config.json"]) {
        const { status, code, headers: told } = await ask(path, { headers });
        expect({ status, code }).toEqual({ status: 403, code: "http.originNotAllowed" });
        expect(told["access-control-allow-origin"]).toBeUndefined();
      }
    }
  });

  test("is told the key only on the same machine", async () => {
    const { text } = await ask("/config.json");
    expect(consoleApi.config.answer.parse(JSON.parse(text))).toEqual(config);
    const remote = await ask("/config.json", { headers: { host: "box.example" } });
    expect(JSON.parse(remote.text)).toMatchObject({ apiKey: null, testWallet: false });
    expect(remote.text).not.toContain("secret");
    const wallet = await ask("/api/wallet", { method: "POST", headers: { host: "box.example" }, body: "{}" });
    expect(wallet).toMatchObject({ status: 403, code: "console.notLocal" });
  });
});

describe("the API", () => {
  test("answers as it is described", async () => {
    expect(consoleApi.version.answer.parse(JSON.parse((await ask("/api/version")).text)).version).toBe(1);
    const { data } = consoleApi.calibrations.answer.parse(JSON.parse((await ask("/api/calibrations")).text));
    expect(data).toMatchObject([{ source: "shipped", minimumTokens: 8, falsePositiveRate: 1e-4 }]);
    expect(JSON.parse((await ask("/api/benchmarks/proof")).text)).toMatchObject({ rows: expect.any(Array) });
  });

  test("shows a calibration of this machine before the one that is shipped, and skips what it cannot read", async () => {
    const [shipped] = JSON.parse((await ask("/api/calibrations")).text).data;
    mkdirSync(join(home, "calibrations"));
    writeFileSync(join(home, "calibrations/broken.json"), "{");
    const { data } = JSON.parse((await ask("/api/calibrations")).text);
    expect(data).toEqual([shipped]);
    expect(logged.join()).toContain("broken.json");
  });

  test("says what is not there, by its code", async () => {
    const wrong: (readonly [string, Asked, number, string])[] = [
      ["/api/nothing", {}, 404, "http.notFound"],
      ["/api/version", { method: "DELETE" }, 405, "http.methodNotAllowed"],
      ["/api/benchmarks/engine", {}, 404, "benchmark.unknown"],
      ["/api/benchmarks/..%2fproof", {}, 404, "benchmark.unknown"],
      ["/api/wallet", { method: "POST", body: "{}" }, 404, "console.noWallet"],
    ];
    for (const [path, asked, status, code] of wrong) {
      expect(await ask(path, asked)).toMatchObject({ status, code });
    }
  });

  test("never fails for a path, whatever it is", async () => {
    await assert(
      asyncProperty(webPath(), string(), async (path, query) => {
        const at = path.startsWith("/") ? path : `/${path}`;
        expect((await ask(`${at}?${encodeURIComponent(query)}`)).status).toBeLessThan(500);
        expect((await ask(`/api${at}`)).status).toBeLessThan(500);
      }),
      { numRuns: 100 },
    );
  });
});
