import { AUDIT_SCHEDULE, auditRate as protocolRate } from "@depinfer/proof";
import { expect, test } from "vitest";
import { type AuditScenarioInput, parseAuditScenario } from "./audit-scenario.ts";
import { simulateAudits } from "./audits.ts";
import { atLeast, exactAudits } from "./exact.ts";
import { auditRate } from "./schedule.ts";

const scenarioOf = (changes: Partial<AuditScenarioInput>) =>
  parseAuditScenario({ name: "test", market: "audits", colluding: 0.2, providers: 4_000, receipts: 60, ...changes });

test("audits are as frequent as the protocol demands", () => {
  for (const passes of [0, 1, 200, 1_799, 1_800, 1_000_000]) {
    expect(auditRate(passes)).toBe(protocolRate(passes, AUDIT_SCHEDULE));
  }
});

test("the hypergeometric tail: two jurors of three colluding, of ten members with four colluders", () => {
  // (C(4,2)·6 + C(4,3)) / C(10,3)
  expect(atLeast(2, 3, 4, 10)).toBeCloseTo(40 / 120, 12);
  expect(atLeast(0, 7, 50, 128)).toBeCloseTo(1, 12);
});

test.each([0, 0.2, 0.34, 0.5, 0.66, 1])(
  "with a share of %d colluding the simulated chances are those on paper",
  (colluding) => {
    const scenario = scenarioOf({ colluding, receipts: colluding > 0.4 ? 200 : 20, accusations: 3 });
    const [found, wanted] = [simulateAudits(scenario, 5), exactAudits(scenario)];
    for (const name of ["neverConvicted", "honestConvicted"] as const) {
      const error = Math.sqrt((wanted[name] * (1 - wanted[name])) / scenario.providers);
      expect(Math.abs(found[name] - wanted[name]), name).toBeLessThanOrEqual(4 * error + 1e-9);
    }
  },
);

test("nobody colluding: no cheat gets far, no honest provider is convicted, and cheating costs the stake", () => {
  const found = simulateAudits(scenarioOf({ colluding: 0, receipts: 10_000, providers: 300 }), 1);
  expect(found).toMatchObject({ neverConvicted: 0, honestConvicted: 0 });
  expect(found.cheatProfit).toBeLessThan(-100);
  // One receipt in five is audited.
  expect(found.receiptsUntilConvicted).toBeGreaterThan(4);
  expect(found.receiptsUntilConvicted).toBeLessThan(6);
});

test("everybody colluding: cheats are free, and so are convictions", () => {
  const found = simulateAudits(scenarioOf({ colluding: 1, validators: 128 }), 1);
  expect(found).toMatchObject({ neverConvicted: 1, honestConvicted: 1 });
  expect(found.cheatProfit).toBeCloseTo(60 * 0.001, 9);
});

test.each([
  [{ colluding: 1.2 }, "colluding"],
  [{ colluding: 0.001 }, "are nobody"],
  [{ jurors: 5 }, "jurors"],
  [{ validators: 500 }, "validators"],
  [{ stake: Number.NaN }, "stake"],
])("%j is refused by its name", (wrong, said) => {
  expect(() => parseAuditScenario({ ...scenarioOf({}), ...wrong })).toThrow(said);
});
