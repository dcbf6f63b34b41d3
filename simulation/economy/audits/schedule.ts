/** Audited part of a newcomer's receipts, the least of anybody's, and the passes after which it has halved: specs/09. */
const [NEWCOMER, LEAST, HALVING] = [0.2, 0.02, 200] as const;

/** The audited part of the receipts of a provider with so many passes. The package that audits needs modules of Node. */
export function auditRate(passes: number): number {
  return Math.max(LEAST, (NEWCOMER * HALVING) / (HALVING + passes));
}
