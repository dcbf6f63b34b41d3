import { z } from "zod";
import type { Hex } from "./bytes.ts";
import { toHex } from "./bytes.ts";
import { canonicalJson, keccak, utf8 } from "./hashing.ts";

/** What the issuer of a tier of passes says of it beside the numbers. */
export interface TierDescription {
  readonly description: string;
  /** Names of the models that its passes may be spent on; empty for all. */
  readonly models: readonly string[];
}

/** Part of every price that is the fee, in parts of ten thousand: `FEE_BPS` of the contract. */
const FEE_BPS = 500n;
const BPS = 10_000n;
const MILLION = 1_000_000n;

/** The flat price of a million tokens at which passes of a tier are used, in units: so low that the whole quota can be paid. */
export function flatPrice({ price, quota }: { readonly price: bigint; readonly quota: bigint }): bigint {
  return ((price - (price * FEE_BPS) / BPS) * MILLION) / quota;
}

const ALL_MODELS: Hex = `0x${"0".repeat(64)}`;
const metadataSchema = z.strictObject({ description: z.string().max(1_000), models: z.array(z.string()).max(1_000) });

/**
 * A description as it goes on chain: the text into the event, the hash of the sorted list of models into the contract, so
 * that nobody can say later that a tier was for others.
 */
export function encodeTier({ description, models }: TierDescription): { metadata: string; modelsHash: Hex } {
  const sorted = [...new Set(models)].sort();
  return {
    metadata: canonicalJson({ description, models: sorted }),
    modelsHash: sorted.length === 0 ? ALL_MODELS : toHex(keccak(utf8(canonicalJson(sorted)))),
  };
}

/** The description of a tier, or undefined where its text does not fit its hash: such a tier is for no model. */
export function decodeTier({
  metadata,
  modelsHash,
}: {
  metadata: string;
  modelsHash: Hex;
}): TierDescription | undefined {
  let json: unknown;
  try {
    json = JSON.parse(metadata);
  } catch {
    // Plain text is a fine description of a tier for all models.
    json = { description: metadata.slice(0, 1_000), models: [] };
  }
  const parsed = metadataSchema.safeParse(json);
  return parsed.success && encodeTier(parsed.data).modelsHash === modelsHash ? parsed.data : undefined;
}

/** Whether passes of the tier may be spent on the model. */
export function tierServes(tier: { metadata: string; modelsHash: Hex }, model: string): boolean {
  const models = decodeTier(tier)?.models;
  return models !== undefined && (models.length === 0 || models.includes(model));
}
