import { z } from "zod";

/** What an engine honours beyond a plain answer. A request names what it needs, an offer what it has. */
export const FEATURES = [
  "embedding",
  "json",
  "tools",
  "logprobs",
  "penalties",
  "logitBias",
  "topP",
  "continuation",
  "images",
] as const;
export type Feature = (typeof FEATURES)[number];
export const featureSchema = z.enum(FEATURES);

/** The needed features that are not among those offered, in the order of `FEATURES`. */
export function missingFeatures(needed: readonly Feature[], offered: readonly Feature[] | undefined): Feature[] {
  return FEATURES.filter((feature) => needed.includes(feature) && offered?.includes(feature) !== true);
}
