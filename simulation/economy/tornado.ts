import { runCampaigns } from "./campaign.ts";
import type { TornadoBar } from "./report/report.ts";
import { parseScenario, type Scenario } from "./scenario.ts";

/** Moves each parameter of a scenario down and up by itself. */
export async function tornadoOf(
  scenario: Scenario,
  options: { readonly seeds: number; readonly onRun?: (done: number, of: number) => void },
): Promise<readonly TornadoBar[]> {
  const whale = scenario.whale ?? { share: 0.3, forgedMembers: 0, detected: false };
  const moved: readonly {
    readonly parameter: string;
    readonly low: number;
    readonly high: number;
    readonly to: (value: number) => object;
  }[] = [
    { parameter: "whale's capacity Z", low: 0.2, high: 0.5, to: (share) => ({ whale: { ...whale, share } }) },
    { parameter: "member floor φ", low: 0, high: 0.5, to: (memberFloor) => ({ memberFloor }) },
    { parameter: "utilisation u", low: 0.3, high: 0.9, to: (utilisation) => ({ utilisation }) },
    {
      parameter: "forged members",
      low: 0,
      high: 1_000,
      to: (forgedMembers) => ({ whale: { ...whale, forgedMembers } }),
    },
    {
      parameter: "cost of a forgery κ, $",
      low: 20,
      high: 200,
      to: (forgeryCost) => ({ floorRule: { forgeryCost, margin: 0.3, demand: 1_000 * scenario.providers } }),
    },
    {
      parameter: "tail of capacity α",
      low: 1.16,
      high: 3,
      to: (alpha) => ({ capacity: { distribution: "pareto", alpha, minimum: 2 } }),
    },
  ];
  const scenarios = moved.flatMap(({ low, high, to }) =>
    [low, high].map((value) => parseScenario({ ...scenario, ...to(value) })),
  );
  const campaigns = await runCampaigns(scenarios, options);
  return moved.map(({ parameter, low, high }, index) => ({
    parameter,
    low: { value: low, whaleShare: campaigns[2 * index]?.figures.whaleShare?.mean ?? 0 },
    high: { value: high, whaleShare: campaigns[2 * index + 1]?.figures.whaleShare?.mean ?? 0 },
  }));
}
