import { DepinferError } from "@depinfer/protocol";
import { z } from "zod";

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
    /** φ: part of the jobs that goes to members alike. */
    memberFloor: share.default(0.3),
    /** Busy part of the capacity. */
    utilisation: z.number().gt(0).lt(1).default(0.6),
    /** Most of all jobs that a detected owner gets, while others can take them. */
    ownerCap: share.gt(0).nullable().default(null),
    /** Events: arrivals and ends of jobs. A quarter of them is left out until the market is in balance. */
    events: z.int().min(1_000).max(2_000_000_000).default(12_000_000),
  })
  .superRefine(({ market, whale, ownerCap, memberFloor }, context) => {
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
