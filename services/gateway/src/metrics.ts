import type { Answer, Buyer, FinishedAttempt, PeerHealth } from "@depinfer/client";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Counters of a gateway, in Prometheus' form. Holds no prompts, answers, keys, or names of accounts. */
export interface Metrics {
  /** A response ended. */
  responded(endpoint: string, status: number, seconds: number): void;
  /** The first piece of an answer was sent. */
  firstToken(endpoint: string, seconds: number): void;
  answered(answer: Pick<Answer, "usage" | "cost" | "offer">): void;
  attempted(attempt: Pick<FinishedAttempt, "kind" | "startedAt" | "endedAt" | "error">): void;
  /** A request was refused for a limit or a budget. */
  refused(reason: string): void;
  /** A response began; call what comes back when it has ended. */
  opened(): () => void;
  /** Text for `GET /metrics`. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** From a fraction of what an empty path takes to a long answer. */
const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const UNITS_PER_USD = 1_000_000;
const CIRCUITS: Readonly<Record<PeerHealth["circuit"], number>> = { closed: 0, halfOpen: 0.5, open: 1 };

export function createMetrics(buyer: Pick<Buyer, "offers" | "health" | "money">): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "depinfer_" });
  const responses = new Counter({
    name: "depinfer_requests_total",
    help: "Responses by endpoint and status",
    labelNames: ["endpoint", "status"],
    registers,
  });
  const duration = new Histogram({
    name: "depinfer_request_seconds",
    help: "From the request to the end of the response",
    labelNames: ["endpoint"],
    buckets: SECONDS,
    registers,
  });
  const first = new Histogram({
    name: "depinfer_first_token_seconds",
    help: "From the request to the first piece of the answer",
    labelNames: ["endpoint"],
    buckets: SECONDS,
    registers,
  });
  const tokens = new Counter({
    name: "depinfer_tokens_total",
    help: "Tokens that were paid, by model and kind",
    labelNames: ["model", "kind"],
    registers,
  });
  const cost = new Counter({
    name: "depinfer_cost_usd_total",
    help: "What answers cost, in dollars, by model",
    labelNames: ["model"],
    registers,
  });
  const attempts = new Counter({
    name: "depinfer_attempts_total",
    help: "Providers that were asked: first, retry, hedge or continuation, and whether they answered",
    labelNames: ["kind", "outcome"],
    registers,
  });
  const attemptSeconds = new Histogram({
    name: "depinfer_attempt_seconds",
    help: "How long a provider was at work on a request",
    labelNames: ["kind"],
    buckets: SECONDS,
    registers,
  });
  const refusals = new Counter({
    name: "depinfer_refused_total",
    help: "Requests refused for a limit, a budget or a key",
    labelNames: ["reason"],
    registers,
  });
  const open = new Gauge({ name: "depinfer_open_requests", help: "Responses under way", registers });
  new Gauge({
    name: "depinfer_offers",
    help: "Offers on the market, as this gateway sees it",
    registers,
    collect() {
      this.set(buyer.offers().length);
    },
  });
  const perProvider = (name: string, help: string, value: (peer: PeerHealth) => number | null) =>
    new Gauge({
      name,
      help,
      labelNames: ["peer"],
      registers,
      collect() {
        this.reset();
        for (const peer of buyer.health()) {
          const found = value(peer);
          if (found !== null) {
            this.set({ peer: peer.peerId }, found);
          }
        }
      },
    });
  perProvider(
    "depinfer_provider_circuit",
    "1 while a provider is left out, 0.5 while it is tried",
    ({ circuit }) => CIRCUITS[circuit],
  );
  perProvider(
    "depinfer_provider_success_ratio",
    "Share of a provider's last requests that it answered",
    ({ successRate }) => successRate,
  );
  perProvider("depinfer_provider_first_token_seconds", "Smoothed time to a provider's first token", ({ latencyMs }) =>
    latencyMs === null ? null : latencyMs / 1_000,
  );
  new Gauge({
    name: "depinfer_channels_usd",
    help: "Dollars in channels: deposited, and of that owed to providers",
    labelNames: ["part"],
    registers,
    collect() {
      const { deposited, owed } = buyer.money();
      this.set({ part: "deposited" }, Number(deposited) / UNITS_PER_USD);
      this.set({ part: "owed" }, Number(owed) / UNITS_PER_USD);
    },
  });

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    responded(endpoint, status, seconds) {
      responses.inc({ endpoint, status: String(status) });
      duration.observe({ endpoint }, seconds);
    },
    firstToken: (endpoint, seconds) => first.observe({ endpoint }, seconds),
    answered({ usage, cost: paid, offer: { model } }) {
      tokens.inc({ model, kind: "prompt" }, usage.promptTokens - usage.cachedTokens);
      tokens.inc({ model, kind: "cached" }, usage.cachedTokens);
      tokens.inc({ model, kind: "output" }, usage.outputTokens);
      cost.inc({ model }, Number(paid) / UNITS_PER_USD);
    },
    attempted({ kind, startedAt, endedAt, error }) {
      attempts.inc({ kind, outcome: error === null ? "answered" : "failed" });
      attemptSeconds.observe({ kind }, (endedAt - startedAt) / 1_000);
    },
    refused: (reason) => refusals.inc({ reason }),
    opened() {
      open.inc();
      let under = true;
      return () => {
        if (under) {
          under = false;
          open.dec();
        }
      };
    },
  };
}
