import { z } from "zod";

/** Names of the APIs, as each answers at its version's path. */
export type ApiService = "depinfer-indexer" | "depinfer-gateway" | "depinfer-console";

/** The version that these schemas describe. */
export const API_VERSION = 1;

/** What every API says of itself: a page learns what it speaks to, and how far the clocks differ. */
export function versionSchema<Name extends ApiService>(api: Name) {
  return z.object({
    api: z.literal(api),
    version: z.int().min(1),
    /** Milliseconds since 1970, by the server's clock. */
    time: z.int().min(0),
  });
}
