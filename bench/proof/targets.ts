import type { HonestCounts } from "@depinfer/proof";
import type { BenchRow } from "../benchmark.ts";

/** What detection was planned to reach, and the least that it may ever be. */
export interface Target {
  readonly adversary: string;
  readonly temperature: string;
  readonly tokens: number;
  readonly reach: number;
}

export const TARGETS: readonly Target[] = [
  { adversary: "weights q6_k", temperature: "mixed", tokens: 64, reach: 0.99 },
  { adversary: "weights q4_k_m", temperature: "mixed", tokens: 64, reach: 0.99 },
  { adversary: "temperature +0.2", temperature: "1", tokens: 128, reach: 0.99 },
  { adversary: "temperature −0.2", temperature: "1", tokens: 128, reach: 0.99 },
  { adversary: "prompt truncated", temperature: "mixed", tokens: 32, reach: 0.999 },
  { adversary: "replay of a cached answer", temperature: "mixed", tokens: 32, reach: 0.999 },
];

/** Below these the proof is broken, on however few tokens it was measured. */
export const FLOORS: readonly Target[] = [
  { adversary: "smaller model", temperature: "1", tokens: 128, reach: 0.9 },
  { adversary: "weights q4_k_m", temperature: "1", tokens: 256, reach: 0.8 },
  { adversary: "temperature +0.5", temperature: "1", tokens: 256, reach: 0.9 },
  { adversary: "greedy", temperature: "1", tokens: 128, reach: 0.9 },
  { adversary: "prompt truncated", temperature: "1", tokens: 256, reach: 0.9 },
  { adversary: "replay of a cached answer", temperature: "1", tokens: 128, reach: 0.9 },
];

export function rateOf(rows: readonly BenchRow[], { adversary, temperature, tokens }: Target): number | null {
  const row = rows.find(
    (one) => one.adversary === adversary && one.temperature === temperature && one.tokens === tokens,
  );
  return typeof row?.tpr === "number" ? row.tpr : null;
}

/** One sentence for each floor that is missed. */
export function missedFloors(rows: readonly BenchRow[], honest: HonestCounts): string[] {
  const missed = FLOORS.flatMap((floor) => {
    const rate = rateOf(rows, floor);
    return rate !== null && rate >= floor.reach
      ? []
      : [
          `${floor.adversary} is caught in ${rate ?? "no"} of ${floor.tokens} tokens, at least ${floor.reach} is needed`,
        ];
  });
  return honest.mismatches === 0 ? missed : [...missed, `${honest.mismatches} honest tokens differ, none may`];
}
