import { cappedEmission, divideCost, gini, nakamotoCoefficient } from "@depinfer/economics";
import type { Population } from "../population.ts";
import type { Scenario } from "../scenario.ts";
import type { MarketResult } from "../slot-market.ts";
import { runAdversaryMarket } from "./adversary-market.ts";
import type { Adversary, Churner, Dumper, Wash } from "./adversary-schema.ts";

/** What became of the market, and what the adversary has of it, by name. */
export interface Attack extends MarketResult {
  readonly figures: Readonly<Record<string, number>>;
}

export function runAttack(scenario: Scenario, adversary: Adversary, population: Population, seed: number): Attack {
  switch (adversary.kind) {
    case "wash":
      return runWash(scenario, adversary, population, seed);
    case "dumper":
      return runDumper(scenario, adversary, population, seed);
    case "churner":
      return runChurner(scenario, adversary, population, seed);
  }
}

const sumOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
/** Units of money in the base price of a job: enough that rounding does not show. */
const JOB = 1_000_000n;

/** What remains of each job that an owner buys from itself, in parts of its price: what it gets back less what it paid. */
export function washNet({ feeBps, emissionBps }: Pick<Wash, "feeBps" | "emissionBps">): number {
  const pay = divideCost(JOB, feeBps);
  const given = cappedEmission((JOB * BigInt(emissionBps)) / 10_000n, pay);
  return Number(pay.provider + given - JOB) / Number(JOB);
}

function runWash(scenario: Scenario, wash: Wash, population: Population, seed: number): Attack {
  const { jobs, ownJobs, trace, overloaded } = runAdversaryMarket(scenario, population, seed, {
    ownWork: wash.ownWork,
  });
  const all = sumOf(jobs);
  const raw = jobs.slice();
  raw[0] = (raw[0] ?? 0) + ownJobs;
  return {
    jobs,
    trace,
    overloaded,
    figures: {
      washNetPerPrice: washNet(wash),
      washRawShare: (raw[0] ?? 0) / (all + ownJobs),
      washSettledShare: (jobs[0] ?? 0) / all,
      washRawNc50: nakamotoCoefficient(raw, 0.5) ?? 0,
    },
  };
}

function runDumper(scenario: Scenario, dumper: Dumper, population: Population, seed: number): Attack {
  const own = population.capacity[0] ?? 0;
  const loss = dumper.cost - dumper.price * (1 - dumper.feeBps / 10_000);
  const capital = dumper.capitalPerSlot * own;
  let lost = 0;
  let lasted = Number.POSITIVE_INFINITY;
  const result = runAdversaryMarket(scenario, population, seed, {
    handicap: dumper.tieBreak ? 0.5 : 0,
    routed() {
      lost += loss;
    },
    before(durations, presence) {
      if (lost < capital || Number.isFinite(lasted)) {
        return undefined;
      }
      lasted = durations;
      presence.offer(0);
      return "left";
    },
  });
  const { jobs, untilLeft } = result;
  const there = untilLeft ?? jobs;
  const after = jobs.map((count, owner) => count - (untilLeft?.[owner] ?? 0));
  return {
    ...result,
    jobs: there,
    figures: {
      dumperShareOfCapacity: own / population.ownerOfSlot.length,
      dumperLossPerJob: loss,
      // Nothing to say of a capital that outlasted the run.
      ...(untilLeft === null
        ? {}
        : {
            dumperLasted: lasted,
            giniAfterDumper: gini(after) ?? 0,
            nc50AfterDumper: nakamotoCoefficient(after, 0.5) ?? 0,
          }),
    },
  };
}

function runChurner(scenario: Scenario, churner: Churner, population: Population, seed: number): Attack {
  const { stays, away, names } = churner;
  const own = population.capacity[0] ?? 0;
  let cycle = 0;
  let here = true;
  let successes = 0;
  let present = 0;
  let last = 0;
  const result = runAdversaryMarket(scenario, population, seed, {
    ended() {
      successes += 1;
    },
    before(durations, presence) {
      const at = durations % (stays + away);
      const nowHere = at < stays;
      present += here ? durations - last : 0;
      last = durations;
      const leaves = here && !nowHere;
      if (!here && nowHere) {
        cycle += 1;
        successes = 0;
      }
      here = nowHere;
      // Each name doubles what it may do at once with every job that it has done.
      presence.offer(!here ? 0 : cycle === 0 ? own : names * 2 ** Math.min(40, Math.floor(successes / names)));
      return leaves ? "left" : undefined;
    },
  });
  const staying = runAdversaryMarket(scenario, population, seed, {});
  const presentPart = last > 0 ? present / last : 1;
  const revenue = (result.ended[0] ?? 0) / Math.max(1, staying.ended[0] ?? 0);
  return {
    ...result,
    figures: {
      churnerPresent: presentPart,
      churnerRevenue: revenue,
      churnerPerHour: revenue / presentPart,
    },
  };
}
