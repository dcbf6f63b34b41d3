import { type MachineCosts, type Margin, marginOf } from "@depinfer/economics";
import type { StatementLine } from "@depinfer/protocol/api";

export interface MarginLine extends Margin {
  readonly key: string;
  readonly line: StatementLine;
}

/** The margin of each line of a statement, and of all together. The total rounds once, so it may differ from the sum of lines. */
export function marginsOf(
  lines: readonly StatementLine[],
  feeBps: number,
  costs: MachineCosts,
): { readonly lines: readonly MarginLine[]; readonly total: Margin } {
  const stretch = ({ paid, msOnline, msAtWork }: Pick<StatementLine, "paid" | "msOnline" | "msAtWork">) => ({
    ms: BigInt(msOnline),
    msAtWork: BigInt(msAtWork),
    paid,
    feeBps,
  });
  const sum = (pick: (line: StatementLine) => number) => lines.reduce((total, line) => total + pick(line), 0);
  return {
    lines: lines.map((line) => ({ key: line.key, line, ...marginOf(stretch(line), costs) })),
    total: marginOf(
      {
        ms: BigInt(sum(({ msOnline }) => msOnline)),
        msAtWork: BigInt(sum(({ msAtWork }) => msAtWork)),
        paid: lines.reduce((total, { paid }) => total + paid, 0n),
        feeBps,
      },
      costs,
    ),
  };
}
