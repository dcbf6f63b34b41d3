import type { Campaign } from "../simulation/economy/campaign.ts";
import { runCampaigns, traceOfAll } from "../simulation/economy/campaign.ts";
import { AUDITS, EPOCH_MARKETS, MARKETS } from "../simulation/economy/markets.ts";
import { htmlReport } from "../simulation/economy/report/report.ts";
import { figureLines, marketLine } from "../simulation/economy/report/tables.ts";
import { tornadoOf } from "../simulation/economy/tornado.ts";
import type { Benchmark, BenchRow } from "./benchmark.ts";
import { significant } from "./measure/statistics.ts";

type Figures = Campaign["figures"];

const most = (figures: Figures, name: string, limit: number, said: string) =>
  (figures[name]?.mean ?? Number.POSITIVE_INFINITY) <= limit ? [] : [said];
const least = (figures: Figures, name: string, limit: number, said: string) =>
  (figures[name]?.mean ?? 0) >= limit ? [] : [said];

/** What must hold whatever else changes, on the means; the intervals beside them say how far they are known. */
const GATES: Readonly<Record<string, (figures: Figures) => readonly string[]>> = {
  undetected: (figures) => [
    ...most(figures, "gini", 0.62, "Gini above 0.62 with an undetected whale"),
    ...least(figures, "nc50", 800, "NC50 below 800 with an undetected whale"),
    ...least(figures, "nc33", 100, "NC33 below 100 with an undetected whale"),
    ...most(figures, "whaleShare", 0.93 * 0.3, "whale above 0.93 of its capacity"),
  ],
  clustered: (figures) => [
    ...most(figures, "gini", 0.53, "Gini above 0.53 with a clustered whale"),
    ...least(figures, "nc50", 1_500, "NC50 below 1,500 with a clustered whale"),
    ...least(figures, "nc33", 650, "NC33 below 650 with a clustered whale"),
  ],
  wash: (figures) => most(figures, "washNetPerPrice", 0, "a wash trader earns"),
  dumper: (figures) => most(figures, "whaleShare", 0.7 * (2 * 0.3 - 0.3 ** 2) + 1e-4, "a dumper above its bound"),
  churner: (figures) => most(figures, "churnerPerHour", 1, "a churner earns more per hour than who stays"),
};

const SEEDS = 30;
const QUICK_SEEDS = 3;
/** What others quote, by market. */
const QUOTED = ["gini", "nc50", "nc33", "whaleShare", "neverConvicted", "honestConvicted", "cheatProfit"] as const;

export const concentration: Benchmark = {
  name: "concentration",
  description: "who gets the work: markets by stake, by capacity, and ours, by simulation over many seeds",
  async run({ quick, progress }) {
    const seeds = quick ? QUICK_SEEDS : SEEDS;
    const scenarios = Object.entries({ ...MARKETS, ...EPOCH_MARKETS, ...AUDITS });
    const campaigns = await runCampaigns(
      scenarios.map(([, scenario]) => scenario),
      { seeds, onRun: (done, of) => (done % 10 === 0 ? progress(`${done} of ${of} runs simulated`) : undefined) },
    );
    const undetected = MARKETS.undetected;
    const tornado =
      quick || undetected === undefined
        ? []
        : await tornadoOf(undetected, { seeds: 5, onRun: (done, of) => progress(`tornado: ${done} of ${of}`) });
    const figuresOf = (index: number) => campaigns[index]?.figures ?? {};
    const summary = Object.fromEntries(
      scenarios.flatMap(([name], index) =>
        QUOTED.flatMap((quoted) => {
          const figure = figuresOf(index)[quoted];
          return figure === undefined ? [] : [[`${name}.${quoted}`, significant(figure.mean)] as const];
        }),
      ),
    );
    return {
      rounds: seeds,
      rows: [...campaigns.filter(isMarket).map(marketRow), ...campaigns.flatMap(figureLines)],
      summary: { ...summary, traceOfAll: traceOfAll(campaigns) },
      files: { "concentration.html": htmlReport(campaigns, tornado) },
      // Three seeds give no interval that a gate could be held against.
      missed: quick ? [] : scenarios.flatMap(([name], index) => GATES[name]?.(figuresOf(index)) ?? []),
    };
  },
};

const isMarket = ({ scenario: { market } }: Campaign) => market !== "epochs" && market !== "audits";

function marketRow(campaign: Campaign): BenchRow {
  return { ...marketLine(campaign), overloaded: significant(campaign.figures.overloaded?.mean ?? 0, 2) };
}
