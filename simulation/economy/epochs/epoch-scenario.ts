import { DepinferError } from "@depinfer/protocol";
import { z } from "zod";
import { capacitySchema } from "../scenario.ts";

const share = z.number().min(0).max(1);

/**
 * A market over epochs, as plain data: who earns buys capacity, who loses sells it, and the price follows utilisation.
 *
 * Money is in the base price of one unit of work at the start; work and capacity are in units of work per epoch.
 */
export const epochScenarioSchema = z
  .strictObject({
    name: z.string().min(1).max(100),
    market: z.literal("epochs"),
    agents: z.int().min(1).max(4_000_000),
    epochs: z.int().min(1).max(100_000),
    capacity: capacitySchema.default({ distribution: "lognormal", sigma: 1, median: 4 }),
    /** Part of all capacity that agent 0 begins with. */
    whaleShare: share.lt(1).default(0),
    /** φ: part of the work that members get alike. 0 is the like-for-like market: all work by capacity. */
    memberFloor: share.default(0.3),
    /** Part of the capacity that is at work in the first epoch. */
    utilisation: z.number().gt(0).lt(1).default(0.6),
    /** By how many per cent demand falls when the price rises by one. */
    elasticity: z.number().min(0).max(40).default(1.5),
    /** What one unit of work costs in energy. */
    energy: z.number().min(0).max(10).default(0.3),
    /** Agents' energy differs by this part, uniformly to both sides. */
    energySpread: share.default(0.1),
    /** What a unit of capacity loses per epoch. */
    depreciation: z.number().min(0).max(10).default(0.35),
    /** What a unit of capacity costs. */
    capacityPrice: z.number().positive().max(1e6).default(100),
    /** Part of a profit that buys capacity. A loss is always paid by selling some. */
    reinvest: share.default(0.5),
    /**
     * Standard deviation of one unit of work in an epoch; that of w units is √w times it, as of jobs that come by themselves.
     * 0.3 is Poisson's with eleven jobs in a unit.
     */
    noise: z.number().min(0).max(1).default(0.3),
    feeBps: z.int().min(0).max(10_000).default(500),
    /** Who has less leaves for good. */
    leastCapacity: z.number().min(0).max(1_000).default(0.5),
    /** How many epochs are looked at, evenly; the last is one of them. */
    samples: z.int().min(1).max(1_000).default(20),
  })
  .superRefine(({ samples, epochs, memberFloor, agents, whaleShare }, context) => {
    if (samples > epochs) {
      context.addIssue({ code: "custom", path: ["samples"], message: `there are ${epochs} epochs to look at` });
    }
    if (agents === 1 && (memberFloor > 0 || whaleShare > 0)) {
      context.addIssue({
        code: "custom",
        path: ["agents"],
        message: "one agent alone has neither members beside it nor others to be larger than",
      });
    }
  });

export type EpochScenario = z.output<typeof epochScenarioSchema>;
export type EpochScenarioInput = z.input<typeof epochScenarioSchema>;

/** @throws DepinferError `scenario.invalid` naming every field that is wrong. */
export function parseEpochScenario(value: unknown): EpochScenario {
  const parsed = epochScenarioSchema.safeParse(value);
  if (!parsed.success) {
    throw new DepinferError({
      code: "scenario.invalid",
      message: `The scenario cannot be simulated: ${parsed.error.issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`).join("; ")}`,
      remedy: "Compare it with simulation/scenarios/epochs.json",
    });
  }
  return parsed.data;
}
