import { costDown, meetsLevel } from "@depinfer/protocol";
import type { GatewayOffer } from "@depinfer/protocol/api";
import { policyOf, type Settings } from "./settings.ts";

/** English text has about so many characters a token; the true number is known once the provider has counted. */
const CHARACTERS_PER_TOKEN = 4;

export interface CostRange {
  /** Units. */
  readonly least: bigint;
  readonly most: bigint;
  readonly promptTokens: number;
  /** Offers that satisfy the policy. */
  readonly offers: number;
}

/** What an answer of full length would cost at the cheapest and the dearest offer; null where no offer satisfies the policy. */
export function costRange(settings: Settings, offers: readonly GatewayOffer[], characters: number): CostRange | null {
  const { maxOutputPrice, regions, minProof, privacy } = policyOf({ ...settings, maxPrice: settings.maxPrice });
  const fitting = offers.filter(
    ({ model, prices, region, proofLevel }) =>
      model === settings.model &&
      (maxOutputPrice === undefined || prices.outputPerMillion <= maxOutputPrice) &&
      (regions === undefined || regions.includes(region)) &&
      (minProof === undefined || meetsLevel(proofLevel, minProof)) &&
      (privacy !== "attested" || proofLevel === "attested"),
  );
  const outputTokens = Number(settings.maxTokens);
  if (fitting.length === 0 || !Number.isSafeInteger(outputTokens) || outputTokens < 0) {
    return null;
  }
  const promptTokens = Math.ceil(characters / CHARACTERS_PER_TOKEN);
  const costs = fitting.map(({ prices }) => costDown({ promptTokens, cachedTokens: 0, outputTokens }, prices));
  return {
    least: costs.reduce((a, b) => (b < a ? b : a)),
    most: costs.reduce((a, b) => (b > a ? b : a)),
    promptTokens,
    offers: fitting.length,
  };
}
