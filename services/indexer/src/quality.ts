/** What coarser weights cost in quality, where somebody measured it and committed the result. */
export interface QualityDelta {
  /** Share right with this file less the share right with the unquantised weights. */
  readonly value: number;
  /** What was measured, on how much. */
  readonly measured: string;
  /** The committed result. */
  readonly source: string;
}

const CARD = "models/depinfer-tiny/README.md";
const CLOSED_TASKS = "exact match over the closed tasks of 300 conversations, 268 scored; a few points are noise";
/** The card's figure for `depinfer-tiny.f32`. */
const UNQUANTISED = 0.687;

/** By the SHA-256 of the weight file. */
const DELTAS: ReadonlyMap<string, QualityDelta> = new Map(
  [
    { weights: "0x07983a71c4097fb1bd7c09cf97c948f85415f8745b73349bafc6e0a0d66dec24", right: 0.69 },
    { weights: "0xd2bea63cd4996d7621d5b9ab9340471c1ea459dd55c5efca60d6d00cca7ffa33", right: 0.694 },
  ].map(({ weights, right }) => [
    weights,
    { value: Number((right - UNQUANTISED).toFixed(3)), measured: CLOSED_TASKS, source: CARD },
  ]),
);

/** Null for weights that nobody measured against their unquantised ones. */
export function qualityDeltaOf(weights: unknown): QualityDelta | null {
  return typeof weights === "string" ? (DELTAS.get(weights) ?? null) : null;
}
