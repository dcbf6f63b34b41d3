import type { ProofLevel } from "@depinfer/protocol";

/** Looks of a state that stand for the same thing everywhere. */
export type Tone = "proof" | "money" | "info" | "fail" | "unsure" | "plain";

const VERDICT_TONES: ReadonlyMap<string, Tone> = new Map([
  ["pass", "proof"],
  ["inconclusive", "unsure"],
  ["fail", "fail"],
]);

/** Looks of a verdict. */
export function verdictTone(verdict: string): Tone {
  return VERDICT_TONES.get(verdict) ?? "plain";
}

/** What each level of proof is worth, in a sentence. */
export const PROOF_LEVEL_TEXT: Readonly<Record<ProofLevel, string>> = {
  none: "Nothing about this computation can be checked. You trust the provider.",
  greedy: "Tokens and their likelihoods can be compared with a second server of the same model.",
  seeded:
    "Every token was drawn with a seed fixed beforehand by both sides, so anyone with the weights can draw it again.",
  replay: "The whole computation can be run again and compared bit by bit.",
  attested: "A hardware quote says which program ran; its signature is checked.",
  "attested-SIMULATED": "A SIMULATED quote for tests. It proves nothing.",
};

/** A chance in words that fit: `1 in 12,000`, `27 %`. */
export function chance(probability: number): string {
  if (!Number.isFinite(probability) || probability < 0) {
    return "unknown";
  }
  if (probability === 0) {
    return "0";
  }
  if (probability >= 0.01) {
    return `${(probability * 100).toFixed(probability >= 0.1 ? 0 : 1)} %`;
  }
  const odds = 1 / probability;
  return odds >= 1e9 ? `1 in ${odds.toExponential(1)}` : `1 in ${new Intl.NumberFormat("en").format(Math.round(odds))}`;
}

/** Nats with as many digits as say something. */
export function nats(value: number): string {
  if (value === 0) {
    return "0 nats";
  }
  return `${Math.abs(value) < 0.001 ? value.toExponential(1) : value.toPrecision(3)} nats`;
}
