import { EconomicsError } from "./concentration/economics-error.ts";

/*
 * What a provider earns: margin = revenue − fee − power − depreciation. Money is in units; costs are rounded up and revenue is
 * what receipts say, so that nobody is promised more than there is.
 */

const MS_PER_HOUR = 3_600_000n;
const WATTS_PER_KILOWATT = 1_000n;
const PER_MILLION = 1_000_000n;
const BPS = 10_000n;

/** What a machine costs its owner. */
export interface MachineCosts {
  /** Watts at the socket while it computes. */
  readonly wattsAtWork: number;
  /** Watts while it waits. */
  readonly wattsIdle: number;
  /** Units per kilowatt-hour. */
  readonly kilowattHour: bigint;
  /** Units that it cost, less what it will be sold for. */
  readonly hardware: bigint;
  /** Hours over which that is written off, by the clock. */
  readonly lifetimeHours: number;
}

/** A stretch of time of one machine. */
export interface Stretch {
  /** Milliseconds by the clock. */
  readonly ms: bigint;
  /** Of them at work. */
  readonly msAtWork: bigint;
  /** Units that buyers paid. */
  readonly paid: bigint;
  /** Parts of ten thousand of it that the protocol keeps. */
  readonly feeBps: number;
}

/** In units. `margin` is negative where a machine costs more than it brings. */
export interface Margin {
  readonly revenue: bigint;
  readonly fee: bigint;
  readonly power: bigint;
  readonly depreciation: bigint;
  readonly margin: bigint;
}

/** @throws EconomicsError `economics.badCosts` naming what cannot be. */
export function marginOf(stretch: Stretch, costs: MachineCosts): Margin {
  check(stretch, costs);
  const { ms, msAtWork, paid, feeBps } = stretch;
  const fee = divideUp(paid * BigInt(feeBps), BPS);
  const wattMs = BigInt(costs.wattsAtWork) * msAtWork + BigInt(costs.wattsIdle) * (ms - msAtWork);
  const power = divideUp(wattMs * costs.kilowattHour, WATTS_PER_KILOWATT * MS_PER_HOUR);
  const depreciation = divideUp(costs.hardware * ms, BigInt(costs.lifetimeHours) * MS_PER_HOUR);
  return { revenue: paid, fee, power, depreciation, margin: paid - fee - power - depreciation };
}

/** What a machine can do, and what the market gives it to do. */
export interface Prospect {
  /** Tokens per second of the node's own benchmark: reading a prompt, and writing an answer, all slots together. */
  readonly promptTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
  /** Prompt tokens per output token of the market's requests. */
  readonly promptPerOutput: number;
  /** Share of the time at work, 0 to 1: the market's utilisation. */
  readonly utilisation: number;
  /** Units per million tokens. */
  readonly inputPerMillion: bigint;
  readonly outputPerMillion: bigint;
  readonly feeBps: number;
}

/** An estimate for one hour by the clock, with the output price at which it would be zero. */
export interface ExpectedMargin extends Margin {
  readonly outputTokens: bigint;
  readonly promptTokens: bigint;
  /** Units per million output tokens at which the margin is zero, prompts at their price; null where nothing is written. */
  readonly breakEvenOutputPerMillion: bigint | null;
}

/**
 * What an hour would bring at the market's utilisation. Reading and writing share the machine: a request of one output token
 * and q prompt tokens takes q/prefill + 1/decode seconds.
 *
 * @throws EconomicsError `economics.badCosts`.
 */
export function expectedMarginPerHour(prospect: Prospect, costs: MachineCosts): ExpectedMargin {
  const { promptTokensPerSecond, outputTokensPerSecond, promptPerOutput, utilisation } = prospect;
  positive("promptTokensPerSecond", promptTokensPerSecond);
  positive("outputTokensPerSecond", outputTokensPerSecond);
  if (!(promptPerOutput >= 0 && Number.isFinite(promptPerOutput))) {
    throw badCosts("promptPerOutput", promptPerOutput, "0 or more");
  }
  if (!(utilisation >= 0 && utilisation <= 1)) {
    throw badCosts("utilisation", utilisation, "between 0 and 1");
  }
  const secondsPerOutput = promptPerOutput / promptTokensPerSecond + 1 / outputTokensPerSecond;
  const msAtWork = BigInt(Math.floor(utilisation * Number(MS_PER_HOUR)));
  const outputTokens = BigInt(Math.floor(Number(msAtWork) / 1_000 / secondsPerOutput));
  const promptTokens = BigInt(Math.floor(Number(outputTokens) * promptPerOutput));
  const forPrompts = (promptTokens * prospect.inputPerMillion) / PER_MILLION;
  const paid = forPrompts + (outputTokens * prospect.outputPerMillion) / PER_MILLION;
  const { feeBps } = prospect;
  const found = marginOf({ ms: MS_PER_HOUR, msAtWork, paid, feeBps }, costs);
  const cost = found.power + found.depreciation;
  const needed = feeBps < Number(BPS) ? divideUp(cost * BPS, BPS - BigInt(feeBps)) - forPrompts : null;
  return {
    ...found,
    outputTokens,
    promptTokens,
    breakEvenOutputPerMillion:
      outputTokens === 0n || needed === null ? null : needed <= 0n ? 0n : divideUp(needed * PER_MILLION, outputTokens),
  };
}

function check({ ms, msAtWork, paid, feeBps }: Stretch, costs: MachineCosts): void {
  if (ms < 0n || msAtWork < 0n || msAtWork > ms) {
    throw badCosts("msAtWork", msAtWork, `between 0 and ${ms}`);
  }
  if (paid < 0n) {
    throw badCosts("paid", paid, "0 or more");
  }
  if (!Number.isInteger(feeBps) || feeBps < 0 || feeBps > Number(BPS)) {
    throw badCosts("feeBps", feeBps, "a whole number from 0 to 10,000");
  }
  for (const name of ["wattsAtWork", "wattsIdle"] as const) {
    if (!Number.isSafeInteger(costs[name]) || costs[name] < 0) {
      throw badCosts(name, costs[name], "a whole number of at least 0");
    }
  }
  if (!Number.isSafeInteger(costs.lifetimeHours) || costs.lifetimeHours < 1) {
    throw badCosts("lifetimeHours", costs.lifetimeHours, "a whole number of at least 1");
  }
  for (const name of ["kilowattHour", "hardware"] as const) {
    if (costs[name] < 0n) {
      throw badCosts(name, costs[name], "0 or more");
    }
  }
}

function positive(name: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) {
    throw badCosts(name, value, "above 0");
  }
}

function badCosts(name: string, value: number | bigint, wanted: string): EconomicsError {
  return new EconomicsError({
    code: "economics.badCosts",
    message: `${name} is ${value}`,
    remedy: `Give ${wanted}`,
    metadata: { name },
  });
}

function divideUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}
