import { basePriceFactor, type LorenzPoint, lorenzCurve, TARGET_UTILISATION } from "@depinfer/economics";
import { type Outcome, simulateJobs } from "./outcome.ts";
import { parseScenario, type ScenarioInput } from "./scenario.ts";

/*
 * A market small enough to be simulated while somebody moves a slider. It is the simulator of the campaigns with fewer
 * providers and jobs, and one seed: its figures scatter by a few hundredths where theirs have intervals.
 */

/** What can be moved. */
export interface InteractiveSettings {
  /** Z: part of all capacity (or stake) that one owner has, 0 to below 1. */
  readonly whaleShare: number;
  /** φ: part of the jobs that members get alike, 0 to 1. */
  readonly memberFloor: number;
  /** By how many per cent demand falls when the price rises by one. */
  readonly elasticity: number;
  /** Tail of the others' capacity: Pareto with this exponent, from 1.01 (few have most) to 10 (all nearly alike). */
  readonly tailAlpha: number;
  /** Most of all jobs that the whale gets while others can take them; null while nobody knows that its names are one. */
  readonly ownerCap: number | null;
  readonly seed: number;
}

/** Who gets the work in one market. */
export interface InteractiveMarket {
  readonly name: string;
  readonly gini: number;
  readonly nc33: number;
  readonly nc50: number;
  readonly whaleShare: number;
  readonly lorenz: readonly LorenzPoint[];
}

export interface InteractiveOutcome {
  readonly markets: {
    readonly ours: InteractiveMarket;
    readonly likeForLike: InteractiveMarket;
    readonly stake: InteractiveMarket;
  };
  /** Base price by period, 1 where demand and capacity meet, from a shock that made it twice that. */
  readonly prices: readonly number[];
  /** Of every decision of the three markets. */
  readonly trace: number;
}

const PROVIDERS = 2_000;
const EVENTS = 1_200_000;
const PERIODS = 60;
const SHOCK = 2;

/** @throws DepinferError `scenario.invalid` for a setting outside its range. */
export function runInteractive({
  whaleShare,
  memberFloor,
  elasticity,
  tailAlpha,
  ownerCap,
  seed,
}: InteractiveSettings): InteractiveOutcome {
  const base = {
    providers: PROVIDERS,
    events: EVENTS,
    capacity: { distribution: "pareto", alpha: tailAlpha, minimum: 2 },
    stakeTail: tailAlpha,
  } as const;
  const whale = whaleShare === 0 ? null : { share: whaleShare };
  const run = (input: Pick<ScenarioInput, "name" | "market"> & Partial<ScenarioInput>) =>
    marketOf(parseScenario({ ...base, whale, memberFloor, ...input }), seed);
  const capped = whale !== null && ownerCap !== null;
  const ours = run({
    name: "slots, with a floor for members",
    market: "slots",
    ...(capped ? { ownerCap, whale: { ...whale, detected: true } } : {}),
  });
  const likeForLike = run({ name: "by capacity", market: "capacity" });
  const stake = run({ name: "by stake", market: "stake" });
  return {
    markets: { ours: ours.market, likeForLike: likeForLike.market, stake: stake.market },
    prices: pricesAfterShock(elasticity),
    trace: [ours, likeForLike, stake].reduce((hash, { trace }) => Math.imul(hash ^ trace, 16_777_619) >>> 0, 0),
  };
}

function marketOf(
  scenario: ReturnType<typeof parseScenario>,
  seed: number,
): { readonly market: InteractiveMarket; readonly trace: Outcome["trace"] } {
  const { outcome, jobs } = simulateJobs(scenario, seed);
  const { gini, nc33, nc50, whaleShare, trace } = outcome;
  return {
    market: { name: scenario.name, gini, nc33, nc50, whaleShare: whaleShare ?? 0, lorenz: lorenzCurve(jobs) ?? [] },
    trace,
  };
}

/** Demand of constant elasticity that fills u* of the capacity at a price of 1, and never more than all of it. */
function pricesAfterShock(elasticity: number): readonly number[] {
  const prices = [SHOCK];
  for (let period = 1; period < PERIODS; period++) {
    const price = prices[period - 1] ?? 1;
    const utilisation = Math.min(1, TARGET_UTILISATION * price ** -elasticity);
    prices.push(price * basePriceFactor(utilisation));
  }
  return prices;
}
