import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DepinferError, microUsd } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { z } from "zod";
import { createMetrics } from "./metrics.ts";

const dashboard = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })) })),
});

function counted() {
  const metrics = createMetrics({
    offers: () => [],
    health: () => [
      {
        peerId: "peer-1",
        circuit: "open",
        reason: "it hung up",
        successRate: 0.25,
        requests: 4,
        inFlight: 0,
        latencyMs: 120,
      },
    ],
    money: () => ({ deposited: 5_000_000n, owed: 250_000n, channels: 1 }),
  });
  const at = { startedAt: 1_000, endedAt: 1_500 };
  metrics.responded("/v1/chat/completions", 200, 0.02);
  metrics.firstToken("chat", 0.01);
  metrics.attempted({ kind: "first", ...at, error: null });
  metrics.attempted({ kind: "retry", ...at, error: new DepinferError({ code: "x", message: "x", remedy: "x" }) });
  metrics.refused("limit.requests");
  return metrics;
}

test("counts what happened, and says how providers behave", async () => {
  const text = await counted().text();
  expect(text).toContain('depinfer_requests_total{endpoint="/v1/chat/completions",status="200"} 1');
  expect(text).toContain('depinfer_attempts_total{kind="retry",outcome="failed"} 1');
  expect(text).toContain('depinfer_attempt_seconds_sum{kind="first"} 0.5');
  expect(text).toContain('depinfer_refused_total{reason="limit.requests"} 1');
  expect(text).toContain('depinfer_provider_circuit{peer="peer-1"} 1');
  expect(text).toContain('depinfer_provider_success_ratio{peer="peer-1"} 0.25');
  expect(text).toContain('depinfer_provider_first_token_seconds{peer="peer-1"} 0.12');
  expect(text).toContain('depinfer_channels_usd{part="deposited"} 5');
  expect(text).toContain('depinfer_channels_usd{part="owed"} 0.25');
});

test("responses under way are a gauge, and each is counted off once", async () => {
  const metrics = createMetrics({
    offers: () => [],
    health: () => [],
    money: () => ({ deposited: microUsd(0), owed: microUsd(0), channels: 0 }),
  });
  const [one, other] = [metrics.opened(), metrics.opened()];
  one();
  one();
  expect(await metrics.text()).toContain("depinfer_open_requests 1");
  other();
  expect(await metrics.text()).toContain("depinfer_open_requests 0");
});

test("every panel of the dashboard asks for what there is", async () => {
  const path = join(import.meta.dirname, "../../../deploy/observability/grafana/dashboards/gateway.json");
  const { panels } = dashboard.parse(JSON.parse(readFileSync(path, "utf8")));
  const names = new Set((await counted().text()).match(/^# TYPE (\S+)/gm)?.map((line) => line.slice(7)));
  const asked = panels.flatMap(({ title, targets }) =>
    targets.flatMap(({ expr }) => (expr.match(/depinfer_\w+/g) ?? []).map((name) => ({ title, name }))),
  );
  expect(asked.length).toBeGreaterThan(10);
  for (const { title, name } of asked) {
    expect(names, `${title} asks for ${name}`).toContain(name.replace(/_bucket$/, ""));
  }
});
