import { z } from "zod";

const share = z.number().min(0).max(1);
const bps = z.int().min(0).max(10_000);

/** What a large owner may do beside being large. Money is in parts of the base price of a job. */
export const adversarySchema = z.discriminatedUnion("kind", [
  /** Buys work from itself, for the volume that it then shows and for what is given on top of pay. */
  z.strictObject({
    kind: z.literal("wash"),
    /** Part of all jobs that it buys from itself. */
    ownWork: share.lt(0.9),
    feeBps: bps.default(500),
    /** What it would like to be given for each job on top of its pay. */
    emissionBps: bps.default(10_000),
  }),
  /** Posts a price below its cost, to be drawn more often and to drive the others out. */
  z
    .strictObject({
      kind: z.literal("dumper"),
      price: share,
      cost: share,
      feeBps: bps.default(500),
      /** Whether, of two slots that are as busy, the cheaper is taken. Depinfer's gateway does not look at it. */
      tieBreak: z.boolean().default(true),
      /** What it can lose per slot before it leaves. */
      capitalPerSlot: z.number().positive().max(1e9),
    })
    .refine(({ price, cost, feeBps }) => price * (1 - feeBps / 10_000) < cost, {
      path: ["price"],
      message: "a price that covers the cost is no dumping",
    }),
  /** Leaves and comes back under fresh names, to begin anew. Times are in mean durations of a job. */
  z.strictObject({
    kind: z.literal("churner"),
    stays: z.number().positive().max(1e6),
    away: z.number().positive().max(1e6),
    /** Names under which it comes back. Each begins with one job at a time, then two, then four. */
    names: z.int().min(1).max(1_000_000),
  }),
]);

export type Adversary = z.output<typeof adversarySchema>;
export type Wash = Extract<Adversary, { kind: "wash" }>;
export type Dumper = Extract<Adversary, { kind: "dumper" }>;
export type Churner = Extract<Adversary, { kind: "churner" }>;
