import type { Campaign } from "../simulation/economy/campaign.ts";
import { runCampaigns } from "../simulation/economy/campaign.ts";
import { MARKETS } from "../simulation/economy/markets.ts";
import { formatEstimate, htmlReport } from "../simulation/economy/report.ts";
import { tornadoOf } from "../simulation/economy/tornado.ts";
import type { Benchmark } from "./benchmark.ts";
import { significant } from "./measure/statistics.ts";

/** What must hold whatever else changes, on the means; the intervals beside them say how far they are known. */
const GATES: Readonly<Record<string, (figures: Campaign["figures"]) => readonly string[]>> = {
  undetected: ({ gini, nc50, nc33, whaleShare }) => [
    ...(gini !== null && gini.mean <= 0.62 ? [] : ["Gini above 0.62 with an undetected whale"]),
    ...(nc50 !== null && nc50.mean >= 800 ? [] : ["NC50 below 800 with an undetected whale"]),
    ...(nc33 !== null && nc33.mean >= 100 ? [] : ["NC33 below 100 with an undetected whale"]),
    ...(whaleShare !== null && whaleShare.mean <= 0.93 * 0.3 ? [] : ["whale above 0.93 of its capacity"]),
  ],
  clustered: ({ gini, nc50, nc33 }) => [
    ...(gini !== null && gini.mean <= 0.53 ? [] : ["Gini above 0.53 with a clustered whale"]),
    ...(nc50 !== null && nc50.mean >= 1_500 ? [] : ["NC50 below 1,500 with a clustered whale"]),
    ...(nc33 !== null && nc33.mean >= 650 ? [] : ["NC33 below 650 with a clustered whale"]),
  ],
};

const SEEDS = 30;
const QUICK_SEEDS = 3;

export const concentration: Benchmark = {
  name: "concentration",
  description: "who gets the work: markets by stake, by capacity, and ours, by simulation over many seeds",
  async run({ quick, progress }) {
    const seeds = quick ? QUICK_SEEDS : SEEDS;
    const names = Object.keys(MARKETS);
    const campaigns = await runCampaigns(Object.values(MARKETS), {
      seeds,
      onRun: (done, of) => (done % 10 === 0 ? progress(`${done} of ${of} markets simulated`) : undefined),
    });
    const undetected = MARKETS.undetected;
    const tornado =
      quick || undetected === undefined
        ? []
        : await tornadoOf(undetected, { seeds: 5, onRun: (done, of) => progress(`tornado: ${done} of ${of}`) });
    const missed = names.flatMap((name, index) => {
      const figures = campaigns[index]?.figures;
      return figures === undefined ? [] : (GATES[name]?.(figures) ?? []);
    });
    const summary = Object.fromEntries(
      names.flatMap((name, index) => {
        const { gini, nc50, nc33, whaleShare } = campaigns[index]?.figures ?? {};
        return [
          [`${name}.gini`, significant(gini?.mean ?? Number.NaN)],
          [`${name}.nc50`, significant(nc50?.mean ?? Number.NaN)],
          [`${name}.nc33`, significant(nc33?.mean ?? Number.NaN)],
          [`${name}.whaleShare`, significant(whaleShare?.mean ?? Number.NaN)],
        ];
      }),
    );
    return {
      rounds: seeds,
      rows: campaigns.map(({ scenario, figures, trace }) => ({
        market: scenario.name,
        "Gini (95 %)": formatEstimate(figures.gini, 3),
        "NC50 (95 %)": formatEstimate(figures.nc50, 0),
        "NC33 (95 %)": formatEstimate(figures.nc33, 0),
        "whale (95 %)": formatEstimate(figures.whaleShare, 4),
        overloaded: significant(figures.overloaded?.mean ?? 0, 2),
        trace,
      })),
      summary,
      files: { "concentration.html": htmlReport(campaigns, tornado) },
      // Three seeds give no interval that a gate could be held against.
      missed: quick ? [] : missed,
    };
  },
};
