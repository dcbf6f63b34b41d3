import type { Hex } from "@depinfer/protocol";
import type { PassTerms } from "./passes.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

/** What disputes cost, take and last. Amounts in units of six decimals, shares in basis points, times in seconds. */
export interface DisputeTerms {
  /** What opening costs until the end: $5. */
  readonly bond: bigint;
  /** What an appeal costs until the end: $15. */
  readonly appealBond: bigint;
  /** What a juror loses that revealed the opposite of the final verdict: $5. */
  readonly jurorSlash: bigint;
  /** What a juror loses that revealed nothing: $1. */
  readonly absenceSlash: bigint;
  /** Share of its stake that a convicted provider loses: all. */
  readonly slashBps: number;
  /** Share of a slash for the challenger: a quarter. */
  readonly reporterBps: number;
  /** Share of a slash for the jurors of the majority, together: a tenth. */
  readonly jurorBps: number;
  readonly jury: number;
  readonly appealJury: number;
  readonly minJury: number;
  /** Informative tokens below which a juror's `fail` convicts nobody. */
  readonly minTokens: number;
  readonly commitSeconds: number;
  readonly revealSeconds: number;
  readonly appealSeconds: number;
  /** How long a buyer that challenged may still show that it was a salt. */
  readonly saltSeconds: number;
}

/** For a public chain: jurors get hours, so that none is punished for a night's sleep. */
export const DISPUTE_TERMS: DisputeTerms = {
  bond: 5_000_000n,
  appealBond: 15_000_000n,
  jurorSlash: 5_000_000n,
  absenceSlash: 1_000_000n,
  slashBps: 10_000,
  reporterBps: 2_500,
  jurorBps: 1_000,
  jury: 3,
  appealJury: 7,
  minJury: 2,
  minTokens: 8,
  commitSeconds: 6 * HOUR,
  revealSeconds: 6 * HOUR,
  appealSeconds: 12 * HOUR,
  saltSeconds: HOUR,
};

/** For a public chain: providers get days to look at a root, and an objection costs more than a prank is worth. */
export const PASS_TERMS: PassTerms = {
  minPeriod: HOUR,
  rootWindow: 7 * DAY,
  objectionWindow: 3 * DAY,
  claimWindow: 30 * DAY,
  objectionBond: 25_000_000n,
};

/** Who shares the fee, in basis points of the fee. */
export const FEE_SHARES = {
  auditors: 4_000,
  liquidity: 2_500,
  publicGoods: 2_000,
  frontEnd: 1_000,
  insurance: 500,
} as const;

/** What is fixed for ever when the contracts are made. Delays are in seconds, amounts in units of six decimals. */
export interface DeployTerms {
  /** Lower bound on a channel's notice of withdrawal: 15 minutes as in x402. Local networks may choose less. */
  readonly minWithdrawDelay: number;
  /** Collateral per slot: $10. */
  readonly minPerSlot: bigint;
  readonly disputeWindow: number;
  /** Must exceed the dispute window. */
  readonly unbondDelay: number;
  /** Where slashed stake goes besides those harmed and those who judged; kept in the vault for ever by default. */
  readonly sink: Hex;
  /** Least active stake of a member of the validator set: $10. */
  readonly minValidatorStake: bigint;
  readonly disputeTerms: DisputeTerms;
  readonly passTerms: PassTerms;
  /** Who gets each share of the fee. A share without payee goes to the insurance of buyers: nobody's toll. */
  readonly feePayees: Readonly<Partial<Record<keyof typeof FEE_SHARES, Hex>>>;
}

/** For a public chain. */
export const DEPLOY_TERMS: DeployTerms = {
  minWithdrawDelay: 15 * MINUTE,
  minPerSlot: 10_000_000n,
  disputeWindow: 3 * DAY,
  unbondDelay: 7 * DAY,
  sink: `0x${"0".repeat(40)}`,
  minValidatorStake: 10_000_000n,
  disputeTerms: DISPUTE_TERMS,
  passTerms: PASS_TERMS,
  feePayees: {},
};
