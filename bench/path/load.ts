import { z } from "zod";
import type { Worker } from "../measure/worker.ts";

/** How a target is loaded. */
export const loadPlan = z.object({
  port: z.number(),
  /** Authorization header. */
  authorization: z.string(),
  /** Further headers, each line ended by CRLF. */
  headers: z.string().default(""),
  body: z.string(),
  /** Requests under way at any time, each on a connection of its own. */
  clients: z.number(),
  seconds: z.number(),
});
export type LoadPlan = z.input<typeof loadPlan>;

/** What the load generator saw; times in milliseconds. */
export const loadResult = z.object({
  /** Answers that were a whole 200; the times are theirs. */
  requests: z.number(),
  seconds: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  /** Until the first byte of the body. */
  ttfbP50Ms: z.number(),
  /** Answers that were not, with the first one's beginning. */
  failed: z.number(),
  firstFailure: z.string(),
});
export type LoadResult = z.output<typeof loadResult>;

export function runLoad(generator: Worker, plan: LoadPlan): Promise<LoadResult> {
  return generator.call("load", plan, loadResult);
}
