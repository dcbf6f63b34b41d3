import type { AuditScenario } from "../audits/audit-scenario.ts";
import { exactAudits } from "../audits/exact.ts";
import type { Campaign } from "../campaign.ts";
import { formatEstimate } from "../estimate.ts";

/** Cells of one line by their column. */
export type Line = Readonly<Record<string, string>>;

/** Who gets the work. */
export function marketLine({ scenario, figures, trace }: Campaign): Line {
  return {
    market: scenario.name,
    "Gini (95 %)": formatEstimate(figures.gini, 3),
    "NC50 (95 %)": formatEstimate(figures.nc50, 0),
    "NC33 (95 %)": formatEstimate(figures.nc33, 0),
    "whale (95 %)": formatEstimate(figures.whaleShare, 4),
    trace,
  };
}

/** What a market has become after its epochs. */
export function epochLine({ scenario, figures, trace }: Campaign): Line {
  return {
    "market over epochs": scenario.name,
    "last Gini": formatEstimate(figures.gini, 3),
    "last NC50": formatEstimate(figures.nc50, 0),
    "last NC33": formatEstimate(figures.nc33, 0),
    "last whale": formatEstimate(figures.whaleShare, 4),
    "last price": formatEstimate(figures.price, 3),
    "agents left": formatEstimate(figures.agents, 0),
    trace,
  };
}

/** Simulated chances beside those on paper. */
export function auditLine({ figures, trace }: Campaign, scenario: AuditScenario): Line {
  const exact = exactAudits(scenario);
  return {
    auditors: scenario.name,
    "cheat never convicted": formatEstimate(figures.neverConvicted, 4),
    "on paper": exact.neverConvicted.toPrecision(4),
    "honest convicted": formatEstimate(figures.honestConvicted, 4),
    "honest, on paper": exact.honestConvicted.toPrecision(4),
    "cheat's profit, $": formatEstimate(figures.cheatProfit, 2),
    "receipts until convicted": formatEstimate(figures.receiptsUntilConvicted, 1),
    trace,
  };
}

/** What a figure of an adversary is, and what it must not be beyond. */
const ATTACK_FIGURES: Readonly<
  Record<string, { readonly what: string; readonly bound: string; readonly digits: number }>
> = {
  washNetPerPrice: { what: "wash: what a job bought from oneself leaves, of its price", bound: "≤ 0 (T6)", digits: 4 },
  washRawShare: { what: "wash: share as it looks, own purchases included", bound: "none", digits: 4 },
  washSettledShare: { what: "wash: share of what others buy", bound: "≤ without washing", digits: 4 },
  washRawNc50: { what: "wash: NC50 as it looks", bound: "none", digits: 0 },
  dumperShareOfCapacity: { what: "dumper: share of the capacity, Z", bound: "–", digits: 4 },
  dumperLossPerJob: { what: "dumper: loss per job, in base prices", bound: "cost − price (1 − fee)", digits: 4 },
  dumperLasted: { what: "dumper: durations of a job that its capital lasts", bound: "–", digits: 1 },
  giniAfterDumper: { what: "dumper: Gini after it left", bound: "–", digits: 3 },
  nc50AfterDumper: { what: "dumper: NC50 after it left", bound: "–", digits: 0 },
  churnerPresent: { what: "churner: part of the time that it is there", bound: "–", digits: 4 },
  churnerRevenue: { what: "churner: revenue, of what staying earns", bound: "≤ the time it is there", digits: 4 },
  churnerPerHour: { what: "churner: revenue per hour there, of what staying earns", bound: "≤ 1", digits: 4 },
};

/** What an adversary has of it, a line for each figure. */
export function attackLines({ figures }: Campaign): readonly Line[] {
  return Object.entries(ATTACK_FIGURES).flatMap(([name, { what, bound, digits }]) => {
    const figure = figures[name];
    return figure === undefined ? [] : [figureLine(what, formatEstimate(figure, digits), bound)];
  });
}

/** Everything that is no share of work, a line for each figure, so that it stands in no column with one. */
export function figureLines(campaign: Campaign): readonly Line[] {
  const { scenario, figures } = campaign;
  const { name, market } = scenario;
  switch (market) {
    case "epochs":
      return [
        figureLine(`${name}, after ${scenario.epochs} epochs: Gini`, formatEstimate(figures.gini, 3), "–"),
        figureLine(`${name}: NC50`, formatEstimate(figures.nc50, 0), "–"),
        figureLine(`${name}: NC33`, formatEstimate(figures.nc33, 0), "–"),
        figureLine(`${name}: whale's share`, formatEstimate(figures.whaleShare, 4), "–"),
        figureLine(`${name}: base price`, formatEstimate(figures.price, 3), "–"),
      ];
    case "audits": {
      const exact = exactAudits(scenario);
      const onPaper = (chance: number) => `${chance.toPrecision(3)} on paper`;
      return [
        figureLine(
          `${name}: a cheat is never convicted`,
          formatEstimate(figures.neverConvicted, 4),
          onPaper(exact.neverConvicted),
        ),
        figureLine(
          `${name}: an honest provider is convicted`,
          formatEstimate(figures.honestConvicted, 4),
          onPaper(exact.honestConvicted),
        ),
        figureLine(`${name}: what cheating earned, $`, formatEstimate(figures.cheatProfit, 2), "–"),
      ];
    }
    default:
      return attackLines(campaign);
  }
}

function figureLine(what: string, value: string, bound: string): Line {
  return { figure: what, "value (95 %)": value, bound: bound };
}
