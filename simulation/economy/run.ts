import { type LorenzPoint, lorenzCurve } from "@depinfer/economics";
import { type AuditScenario, parseAuditScenario } from "./audits/audit-scenario.ts";
import { simulateAudits } from "./audits/audits.ts";
import { runEpochs } from "./epochs/epoch-market.ts";
import { type EpochScenario, parseEpochScenario } from "./epochs/epoch-scenario.ts";
import { simulateJobs } from "./outcome.ts";
import { parseScenario, type Scenario } from "./scenario.ts";

/** Everything that can be simulated; `market` tells which it is. */
export type AnyScenario = Scenario | EpochScenario | AuditScenario;

/** What one run of any scenario says. The same scenario and seed say the same, on any machine. */
export interface Run {
  readonly seed: number;
  /** Hash of every decision. */
  readonly trace: number;
  /** Over true owners, by name. A figure that a run has nothing to say of is missing. */
  readonly figures: Readonly<Record<string, number>>;
  readonly lorenz: readonly LorenzPoint[];
  /** Of a market over epochs. */
  readonly nc50ByEpoch: readonly { readonly epoch: number; readonly nc50: number }[];
}

/** @throws DepinferError `scenario.invalid` naming every field that is wrong. */
export function parseAnyScenario(value: unknown): AnyScenario {
  const market = typeof value === "object" && value !== null && "market" in value ? value.market : undefined;
  return market === "epochs"
    ? parseEpochScenario(value)
    : market === "audits"
      ? parseAuditScenario(value)
      : parseScenario(value);
}

export function runScenario(scenario: AnyScenario, seed: number): Run {
  switch (scenario.market) {
    case "epochs":
      return runOverEpochs(scenario, seed);
    case "audits": {
      const { trace, ...figures } = simulateAudits(scenario, seed);
      return { seed, trace, figures: finite(figures), lorenz: [], nc50ByEpoch: [] };
    }
    default: {
      const { outcome, jobs } = simulateJobs(scenario, seed);
      const { trace, gini, nc50, nc33, whaleShare, overloaded, attack } = outcome;
      const whale = whaleShare === null ? {} : { whaleShare };
      const figures = finite({ gini, nc50, nc33, ...whale, overloaded, ...attack });
      return { seed, trace, figures, lorenz: lorenzCurve(jobs) ?? [], nc50ByEpoch: [] };
    }
  }
}

function runOverEpochs(scenario: EpochScenario, seed: number): Run {
  const { samples, trace, unserved } = runEpochs(scenario, seed);
  const last = samples.at(-1);
  const { gini, nc50, nc33, whaleShare, price, agents } = last ?? {};
  return {
    seed,
    trace,
    figures: finite({ gini, nc50, nc33, whaleShare, price, agents, unserved }),
    lorenz: [],
    nc50ByEpoch: samples.map((sample) => ({ epoch: sample.epoch + 1, nc50: sample.nc50 })),
  };
}

function finite(figures: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).flatMap(([name, value]) =>
      value === undefined || !Number.isFinite(value) ? [] : [[name, value]],
    ),
  );
}
