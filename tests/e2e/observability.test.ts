import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { discard, startTestNetwork, type TestNetwork, waitFor } from "./local-network.ts";

/* A collector of traces as any, and a scraper of metrics, beside a whole network. */

const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes: z.array(z.object({ key: z.string(), value: z.looseObject({}) })),
});
const exported = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({
        attributes: z.array(z.object({ key: z.string(), value: z.object({ stringValue: z.string() }).partial() })),
      }),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});

interface Seen extends z.output<typeof spanSchema> {
  readonly service: string;
}

const seen: Seen[] = [];
const PROMPT = "Tell me a short story about a purple fox.";
let collector: Server;
let network: TestNetwork;

beforeAll(async () => {
  collector = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(Buffer.from(chunk));
    }
    for (const { resource, scopeSpans } of exported.parse(JSON.parse(Buffer.concat(chunks).toString())).resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === "service.name")?.value.stringValue ?? "";
      seen.push(...scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, service }))));
    }
    response.end("{}");
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const address = collector.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;
  try {
    network = await startTestNetwork(["--providers", "2", "--validators", "1", "--epoch-seconds", "2"]);
  } finally {
    delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  }
}, 120_000);
afterAll(async () => {
  await discard(network);
  collector.close();
}, 30_000);

test("a request is one trace from the gateway over the provider to the validator", async () => {
  const { data } = await network.client.get("/v1/models", z.object({ data: z.array(z.object({ id: z.string() })) }));
  const ask = () =>
    network.client.chat(
      { model: data[0]?.id ?? "", messages: [{ role: "user", content: PROMPT }], temperature: 0.9, max_tokens: 40 },
      () => undefined,
    );
  // Some receipts are drawn for an audit; which, the beacon says.
  const whole = () =>
    seen.find(
      ({ name, traceId }) => name === "audit" && seen.some((other) => isRoot(other) && other.traceId === traceId),
    );
  const deadline = Date.now() + 60_000;
  while (whole() === undefined && Date.now() < deadline) {
    await ask();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const trace = seen.filter(({ traceId }) => traceId === whole()?.traceId);
  const root = trace.find(isRoot);
  expect(trace.map(({ service, name }) => `${service}: ${name}`).sort()).toEqual([
    "depinfer-gateway: answer chat",
    "depinfer-gateway: ask a provider: first",
    "depinfer-provider: generate",
    "depinfer-validator: audit",
  ]);
  for (const span of trace.filter((one) => one !== root)) {
    expect(span.parentSpanId).toBe(root?.spanId);
  }
  expect(JSON.stringify(seen)).not.toContain("purple");
}, 90_000);

test("metrics count it, for the owner alone, without prompts or keys", async () => {
  const access = z.object({ adminUrl: z.string(), apiKey: z.string() });
  const { adminUrl, apiKey } = access.parse(JSON.parse(readFileSync(join(network.home, "access.json"), "utf8")));
  const token = readFileSync(join(network.home, "gateway/admin-token"), "utf8").trim();
  const url = new URL("/metrics", adminUrl);
  const scrape = async (authorization: string) => {
    const response = await fetch(url, { headers: { authorization } });
    return { status: response.status, text: await response.text() };
  };
  expect((await scrape(`Bearer ${apiKey}`)).status).toBe(401);
  await waitFor(
    async () => (await scrape(`Bearer ${token}`)).text.includes("depinfer_requests_total{"),
    10_000,
    () => "nothing was counted",
  );
  const { status, text } = await scrape(`Bearer ${token}`);
  expect(status).toBe(200);
  expect(text).toMatch(/depinfer_requests_total\{endpoint="\/v1\/chat\/completions",status="200"\} [1-9]/);
  expect(text).toMatch(/depinfer_first_token_seconds_count\{endpoint="chat"\} [1-9]/);
  expect(text).toMatch(/depinfer_tokens_total\{model="[^"]+",kind="output"\} [1-9]/);
  expect(text).toMatch(/depinfer_attempts_total\{kind="first",outcome="answered"\} [1-9]/);
  expect(text).toMatch(/depinfer_provider_circuit\{peer="[^"]+"\} 0/);
  expect(text).not.toContain("purple");
  expect(text).not.toContain(apiKey);
});

test("logs and traces hold no prompt", () => {
  for (const service of ["gateway", "provider-1", "provider-2", "validator-1"]) {
    const log = readFileSync(join(network.home, "logs", `${service}.log`), "utf8");
    expect(log).not.toContain("purple");
    expect(() =>
      log
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).not.toThrow();
  }
});

function isRoot({ service, parentSpanId }: Seen): boolean {
  return service === "depinfer-gateway" && (parentSpanId === undefined || parentSpanId === "");
}
