import type { AuditScenario } from "./audit-scenario.ts";
import { auditRate } from "./schedule.ts";

/** The chance of at least `least` of `marked` among `size` drawn from `members` without putting back (hypergeometric). */
export function atLeast(least: number, size: number, marked: number, members: number): number {
  let sum = 0;
  for (let found = least; found <= size; found++) {
    sum += choose(marked, found) * choose(members - marked, size - found);
  }
  return sum / choose(members, size);
}

function choose(from: number, take: number): number {
  if (take < 0 || take > from) {
    return 0;
  }
  let ways = 1;
  for (let i = 1; i <= take; i++) {
    ways = (ways * (from - take + i)) / i;
  }
  return ways;
}

/**
 * What `simulateAudits` estimates, on paper. A jury that is drawn after another one without it is, with nothing known of the
 * first, as good as drawn first; so only the appeal's seven decide.
 */
export function exactAudits({
  validators,
  colluding,
  receipts,
  cheats,
  passes,
  detection,
  accusations,
}: AuditScenario): { readonly neverConvicted: number; readonly honestConvicted: number } {
  const colluders = Math.round(colluding * validators);
  const honest = validators - colluders;
  // An honest member accuses, so that one honest member fewer can be drawn.
  const convicts = honest === 0 ? 0 : atLeast(4, 7, honest - 1, validators - 1);
  const perReceipt = cheats * auditRate(passes) * (honest / validators) * detection * convicts;
  const wrongs = colluders === 0 ? 0 : atLeast(4, 7, colluders - 1, validators - 1);
  return {
    neverConvicted: (1 - perReceipt) ** receipts,
    honestConvicted: 1 - (1 - wrongs) ** accusations,
  };
}
