import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAnyScenario, runScenario } from "./run.ts";
import { compounded } from "./weighted-market.ts";

const folder = new URL("../scenarios/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));

test.each(files)("the scenario %s is one, and each of its settings is known", (name) => {
  const value: unknown = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
  expect(parseAnyScenario(value).name).not.toBe("");
  expect(() => parseAnyScenario({ ...Object(value), surprise: 1 })).toThrow("surprise");
});

test.each([[undefined], [null], [7], [[]], [{ market: "auction" }], [{ market: "epochs" }], [{ market: "audits" }]])(
  "%j is no scenario",
  (value) => {
    expect(() => parseAnyScenario(value)).toThrow(expect.objectContaining({ code: "scenario.invalid" }));
  },
);

test("a run of each kind says what its kind says, and the same again", () => {
  for (const value of [
    { name: "a", market: "slots", providers: 50, events: 10_000, whale: { share: 0.3 } },
    { name: "b", market: "epochs", agents: 50, epochs: 20 },
    { name: "c", market: "audits", colluding: 0.5, providers: 10, receipts: 20 },
  ]) {
    const scenario = parseAnyScenario(value);
    expect(runScenario(scenario, 3)).toEqual(runScenario(scenario, 3));
    expect(Object.values(runScenario(scenario, 3).figures).every(Number.isFinite)).toBe(true);
  }
});

test("compounding: s(t) = (s − c/i)(1 + i/365)^days + c/i, and who cannot pay leaves", () => {
  const after = compounded(Float64Array.of(1, 3, 100, 0.5), { years: 5, inflation: 0.1, runningCost: 0.1 });
  const growth = (1 + 0.1 / 365) ** 1_825;
  expect(after[0]).toBeCloseTo(1, 9);
  expect(after[1]).toBeCloseTo(2 * growth + 1, 6);
  expect(after[2]).toBeCloseTo(99 * growth + 1, 6);
  expect(compounded(Float64Array.of(0.05), { years: 5, inflation: 0.1, runningCost: 0.1 })[0]).toBe(0);
});

test.each(["run.ts", "interactive.ts"])(
  "nothing that %s needs is a module of Node, so that a browser's worker runs it",
  (entry) => {
    const seen = new Set<string>();
    const waiting = [new URL(entry, import.meta.url).href];
    for (let href = waiting.pop(); href !== undefined; href = waiting.pop()) {
      if (seen.has(href)) {
        continue;
      }
      seen.add(href);
      for (const [, from = ""] of readFileSync(new URL(href), "utf8").matchAll(
        /^(?:import|export) [^;]*?from "([^"]+)";$/gms,
      )) {
        expect(from, href).not.toMatch(/^node:/);
        if (from.startsWith(".")) {
          waiting.push(new URL(from, href).href);
        }
      }
    }
    expect(seen.size).toBeGreaterThan(5);
  },
);
