import { readFileSync } from "node:fs";
import type { MachineCosts } from "@depinfer/economics";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { z } from "zod";
import { usd } from "../money/amounts.ts";

/** Hours of a month: a year of 365 days has 8,760. */
const MONTH_HOURS = 730;

/** An amount that may also be nothing. */
const dollars = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((text) => /^\$?\d{1,12}(\.\d{1,6})?$/.test(text.trim()), {
    error: ({ input }) => `${JSON.stringify(input)} is no amount of dollars such as 0.30`,
  })
  .transform((text) => (/^\$?0+(\.0+)?$/.test(text.trim()) ? 0n : BigInt(usd(text))));

/** What a machine costs, as a file says it; every member may be given by its flag instead. */
const costsSchema = z.strictObject({
  /** Watts at the socket while it computes, and while it waits. */
  watts: z.int().min(0).max(1_000_000).optional(),
  wattsIdle: z.int().min(0).max(1_000_000).optional(),
  /** Dollars per kilowatt-hour, and for the machine less what it will be sold for. */
  kwh: dollars.optional(),
  hardware: dollars.optional(),
  lifetimeMonths: z.int().min(1).max(1_200).optional(),
});
export type GivenCosts = z.output<typeof costsSchema>;

/** A gaming computer with one large card; shown as assumed wherever it is used. */
const ASSUMED = {
  watts: 350,
  wattsIdle: 60,
  kwh: 300_000n,
  hardware: 1_800_000_000n,
  lifetimeMonths: 36,
} satisfies GivenCosts;

const COSTS = costsSchema.keyof().options;

export interface KnownCosts {
  readonly costs: MachineCosts;
  /** What nobody gave, as sentences for people. */
  readonly assumed: readonly string[];
}

/**
 * Flags first, then the file, then what is assumed.
 *
 * @throws DepinferError `margin.badCosts` naming file and member.
 */
export function readCosts(given: Readonly<Record<keyof GivenCosts, unknown>>, file: string | undefined): KnownCosts {
  const flags = parse(given, "flags", flagOf);
  const kept = file === undefined ? {} : parse(contentsOf(file), file, (name) => name);
  const all = {
    watts: flags.watts ?? kept.watts ?? ASSUMED.watts,
    wattsIdle: flags.wattsIdle ?? kept.wattsIdle ?? ASSUMED.wattsIdle,
    kwh: flags.kwh ?? kept.kwh ?? ASSUMED.kwh,
    hardware: flags.hardware ?? kept.hardware ?? ASSUMED.hardware,
    lifetimeMonths: flags.lifetimeMonths ?? kept.lifetimeMonths ?? ASSUMED.lifetimeMonths,
  };
  const names: Readonly<Record<keyof GivenCosts, string>> = {
    watts: `${all.watts} W at work (--watts)`,
    wattsIdle: `${all.wattsIdle} W idle (--watts-idle)`,
    kwh: "$0.30 per kilowatt-hour (--kwh)",
    hardware: "$1,800 for the machine (--hardware)",
    lifetimeMonths: `${all.lifetimeMonths} months until it is written off (--lifetime-months)`,
  };
  return {
    costs: {
      wattsAtWork: all.watts,
      wattsIdle: all.wattsIdle,
      kilowattHour: all.kwh,
      hardware: all.hardware,
      lifetimeHours: all.lifetimeMonths * MONTH_HOURS,
    },
    assumed: COSTS.flatMap((name) => (flags[name] === undefined && kept[name] === undefined ? [names[name]] : [])),
  };
}

function contentsOf(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw badCosts(path, errorMessage(cause), cause);
  }
}

function parse(value: unknown, where: string, named: (name: string) => string): GivenCosts {
  const parsed = costsSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path: [name], message }) => `${name === undefined ? "" : `${named(String(name))}: `}${message}`,
    );
    throw badCosts(where, problems.join("; "));
  }
  return parsed.data;
}

/** `wattsIdle` as it is typed, `--watts-idle`. */
function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function badCosts(where: string, why: string, cause?: unknown): DepinferError {
  return new DepinferError({
    code: "margin.badCosts",
    message: `The machine's costs in ${where} cannot be used: ${why}`,
    remedy:
      where === "flags"
        ? "Give them such as --watts 350 --watts-idle 60 --kwh 0.30 --hardware 1800 --lifetime-months 36"
        : 'Give JSON such as {"watts": 350, "wattsIdle": 60, "kwh": "0.30", "hardware": 1800, "lifetimeMonths": 36}',
    metadata: { where },
    cause,
  });
}
