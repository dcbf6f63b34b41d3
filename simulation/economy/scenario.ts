import { DepinferError } from "@depinfer/protocol";
import { z } from "zod";
import { adversarySchema } from "./adversaries/adversary-schema.ts";

const share = z.number().min(0).max(1);

/** How capacity is distributed over providers. */
export const capacitySchema = z.discriminatedUnion("distribution", [
  z.strictObject({
    distribution: z.literal("lognormal"),
    sigma: z.number().min(0).max(4),
    median: z.number().positive().max(1_000),
  }),
  z.strictObject({
    distribution: z.literal("pareto"),
    alpha: z.number().min(1.01).max(10),
    minimum: z.number().positive().max(1_000),
  }),
  z.strictObject({ distribution: z.literal("equal"), slots: z.int().min(1).max(10_000) }),
]);

/**
 * A market to be simulated, as plain data. Nothing else decides what happens but the seed.
 *
 * - `slots`: Depinfer's market: draws over slots, a floor for members, a cap per detected owner.
 * - `capacity`: each job to a provider with probability in proportion to its capacity.
 * - `stake`: in proportion to stake, which is Pareto-distributed whatever the capacity, as in proof of stake.
 */
export const scenarioSchema = z
  .strictObject({
    name: z.string().min(1).max(100),
    market: z.enum(["slots", "capacity", "stake"]),
    providers: z.int().min(1).max(2_000_000),
    capacity: capacitySchema.default({ distribution: "lognormal", sigma: 1, median: 4 }),
    /** Of `stake`: the tail of stakes. */
    stakeTail: z.number().min(1.01).max(10).default(1.16),
    /** One owner with this share of all capacity (or stake). */
    whale: z
      .strictObject({
        share: share.lt(1),
        /** Memberships that it forged beside its own. */
        forgedMembers: z.int().min(0).max(1_000_000).default(0),
        /** Whether its names are known to be one owner. */
        detected: z.boolean().default(false),
      })
      .nullable()
      .default(null),
    /** φ: part of the jobs that goes to members alike; the most of it where there is a rule. */
    memberFloor: share.default(0.3),
    /** Sets φ = min(memberFloor, κP/(mD)), at which a forged membership earns no more than it costs. */
    floorRule: z
      .strictObject({
        /** κ: what one forged membership costs, in dollars a year. */
        forgeryCost: z.number().min(0).max(1e9),
        /** m: part of the revenue that is left to a provider. */
        margin: share.gt(0),
        /** D: what all buyers spend, in dollars a year. */
        demand: z.number().positive().max(1e15),
      })
      .nullable()
      .default(null),
    /** Of `stake`: what years of inflation make of the stakes before any work is given out. */
    compounding: z
      .strictObject({
        years: z.number().positive().max(100),
        /** New stake per year in proportion to stake, all of it staked again. */
        inflation: z.number().min(0).max(1),
        /** What it costs each owner a year to run, in stakes of the smallest. */
        runningCost: z.number().min(0).max(1_000),
      })
      .nullable()
      .default(null),
    /** What owner 0 does beside being large. */
    adversary: adversarySchema.nullable().default(null),
    /** Busy part of the capacity. */
    utilisation: z.number().gt(0).lt(1).default(0.6),
    /** Most of all jobs that a detected owner gets, while others can take them. */
    ownerCap: share.gt(0).nullable().default(null),
    /** Events: arrivals and ends of jobs. A quarter of them is left out until the market is in balance. */
    events: z.int().min(1_000).max(2_000_000_000).default(12_000_000),
  })
  .superRefine((scenario, context) => {
    const { market, whale, ownerCap, memberFloor, floorRule, compounding, adversary } = scenario;
    for (const [path, wrong, message] of [
      ["adversary", adversary !== null && whale === null, "the adversary is the whale, and there is none"],
      ["adversary", adversary !== null && market !== "slots", `no adversary is known to a market by ${market}`],
      ["adversary", adversary !== null && ownerCap !== null, "a cap is not simulated together with an adversary"],
      ["floorRule", floorRule !== null && market !== "slots", `a market by ${market} has no members`],
      ["compounding", compounding !== null && market !== "stake", `nothing compounds in a market by ${market}`],
      [
        "adversary.ownWork",
        adversary?.kind === "wash" && busyWith(scenario, adversary.ownWork) >= (whale?.share ?? 0),
        "the whale has not the slots to work that much for itself",
      ],
    ] as const) {
      if (wrong) {
        context.addIssue({ code: "custom", path: [path], message });
      }
    }
    if (ownerCap !== null && whale?.detected !== true) {
      context.addIssue({
        code: "custom",
        path: ["ownerCap"],
        message: "a cap needs a whale that is detected: nobody else has more than one name here",
      });
    }
    if (market !== "slots" && (ownerCap !== null || (whale?.forgedMembers ?? 0) > 0)) {
      context.addIssue({
        code: "custom",
        path: ["market"],
        message: `a market by ${market} has neither members nor caps`,
      });
    }
    if (memberFloor === 0 && (whale?.forgedMembers ?? 0) > 0) {
      context.addIssue({
        code: "custom",
        path: ["memberFloor"],
        message: "forged memberships are worth nothing without a floor",
      });
    }
  });

/** Part of all capacity that works for its own owner. */
function busyWith({ utilisation }: { readonly utilisation: number }, ownWork: number): number {
  return (utilisation * ownWork) / (1 - ownWork);
}

/** φ as the scenario's rule sets it. */
export function floorShare({ memberFloor, floorRule, providers }: Scenario): number {
  return floorRule === null
    ? memberFloor
    : Math.min(memberFloor, (floorRule.forgeryCost * providers) / (floorRule.margin * floorRule.demand));
}

export type Scenario = z.output<typeof scenarioSchema>;
export type ScenarioInput = z.input<typeof scenarioSchema>;

/** @throws DepinferError `scenario.invalid` naming every field that is wrong. */
export function parseScenario(value: unknown): Scenario {
  const parsed = scenarioSchema.safeParse(value);
  if (!parsed.success) {
    throw new DepinferError({
      code: "scenario.invalid",
      message: `The scenario cannot be simulated: ${parsed.error.issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`).join("; ")}`,
      remedy: "Compare it with the scenarios in simulation/scenarios",
    });
  }
  return parsed.data;
}
