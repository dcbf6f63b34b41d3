import { z } from "zod";
import { addressSchema } from "./bytes.ts";
import { microUsdSchema } from "./money.ts";
import { minimumLevelSchema, strictestLevel } from "./proof-level.ts";
import { AUDIT_FLAGS } from "./request.ts";

/*
 * What an app demands of whoever answers it: as `depinfer: {…}` in a body, as headers, or as defaults of its API key.
 * Every field narrows the choice; a field that is missing demands nothing.
 */

const names = z.array(z.string().min(1).max(100)).min(1).max(50);
const accounts = z.array(addressSchema).min(1).max(100);

export const requestPolicySchema = z.strictObject({
  /** Most units per million tokens that an offer may ask. */
  maxInputPrice: microUsdSchema.optional(),
  maxOutputPrice: microUsdSchema.optional(),
  /** Milliseconds to the first token that a provider usually needs at most, by this buyer's own measurements. */
  maxLatencyMs: z.int().min(1).max(600_000).optional(),
  /** Regions that offers declare, such as `eu-west`. */
  regions: names.optional(),
  /** Names of quantisations, such as `q8_0`. */
  quantisations: names.optional(),
  /** Providers to ask and no others. */
  providers: accounts.optional(),
  /** Providers that are never asked. */
  deny: accounts.optional(),
  minProof: minimumLevelSchema.optional(),
  /** Who may see the request when its answer is audited. */
  audit: z.enum(AUDIT_FLAGS).optional(),
  /** `attested`: only providers whose hardware vouches that their operator cannot read along. */
  privacy: z.enum(["any", "attested"]).optional(),
  /** Ask a second provider when the first token takes long; both are paid for what they deliver. */
  hedge: z.boolean().optional(),
});
export type RequestPolicy = z.output<typeof requestPolicySchema>;

/** One policy out of several: of each field the last that is given counts, and of the levels of proof the strictest. */
export function mergePolicies(policies: readonly (RequestPolicy | null | undefined)[]): RequestPolicy {
  const given = policies.filter((policy) => policy !== null && policy !== undefined);
  const levels = given.map(({ minProof }) => minProof ?? null);
  return { ...Object.assign({}, ...given), minProof: strictestLevel(levels) };
}
