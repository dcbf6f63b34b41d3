import { expect, test } from "vitest";
import { runCampaigns, traceOfAll } from "./campaign.ts";
import { parseAnyScenario } from "./run.ts";

const scenarios = [
  { name: "slots", market: "slots", providers: 300, events: 100_000, whale: { share: 0.3 } },
  { name: "stake", market: "stake", providers: 300, events: 100_000 },
  { name: "epochs", market: "epochs", agents: 500, epochs: 50, samples: 5 },
  { name: "audits", market: "audits", colluding: 0.34, receipts: 50, providers: 100 },
].map(parseAnyScenario);

test("a campaign of every kind gives the same figures and hash on one thread and on two, and others with other seeds", async () => {
  const one = await runCampaigns(scenarios, { seeds: 3, threads: 1 });
  const two = await runCampaigns(scenarios, { seeds: 3, threads: 2 });
  expect(two).toEqual(one);
  expect(traceOfAll(two)).toBe(traceOfAll(one));
  expect(new Set(one.map(({ trace }) => trace)).size).toBe(4);
  expect(traceOfAll(await runCampaigns(scenarios, { seeds: 2, threads: 2 }))).not.toBe(traceOfAll(one));
  expect(one[2]?.nc50ByEpoch.map(({ epoch }) => epoch)).toEqual([10, 20, 30, 40, 50]);
  expect(one[3]?.figures.neverConvicted?.seeds).toBe(3);
});

test("no figure of a run that says nothing of it", async () => {
  const [stake] = await runCampaigns(scenarios.slice(1, 2), { seeds: 2, threads: 1 });
  expect(stake?.figures.whaleShare).toBeUndefined();
  expect(stake?.figures.gini?.low).toBeLessThan(stake?.figures.gini?.high ?? 0);
});
