export type { ContractName } from "./abi.ts";
export { type Anvil, type AnvilOptions, LOCAL_CHAIN_ID, startAnvil } from "./anvil.ts";
export { AUDIT_CONTRACTS, auditEvents } from "./audit-events.ts";
export { type Chain, type ChainModules, createChain } from "./chain.ts";
export type { BatchResult, ChannelState, Channels, SkippedClaim, SkipReason, Voucher } from "./channels.ts";
export { type DeployOptions, deployContracts, type PartialDeployment, termsOf } from "./deploy.ts";
export { type DeploymentEstimate, estimateDeployment, type PlannedContract } from "./deploy-estimate.ts";
export {
  DEPLOY_TERMS,
  type DeployTerms,
  DISPUTE_TERMS,
  type DisputeTerms,
  FEE_SHARES,
  PASS_TERMS,
} from "./deploy-terms.ts";
export { type Deployment, parseDeployment } from "./deployment.ts";
export {
  type Ballot,
  ballotCommitment,
  type DisputedReceipt,
  type DisputeEvent,
  type DisputeOutcome,
  type DisputePhase,
  type DisputeState,
  type Disputes,
  type DisputeVote,
  type Evidence,
  openedReceipt,
} from "./disputes.ts";
export { ChainError, ChainRevertError } from "./errors.ts";
export type { Fees } from "./fees.ts";
export type { ChainEvent, EventBatch, FollowOptions } from "./follow.ts";
export type { Insurance } from "./insurance.ts";
export { createKeystore, openKeystore, randomPassphrase, type Secrets } from "./keystore.ts";
export type { Pass, PassChannel } from "./pass-state.ts";
export type { PassTier } from "./pass-tiers.ts";
export type { Passes, PassSurplus, PassTerms, PassUse } from "./passes.ts";
export { type Preview, previewOf } from "./preview.ts";
export type { Attestation, Draw, EpochRoot, EpochState, ReceiptLog, Verdict } from "./receipts.ts";
export type { Operator, Registration, Registry, Role } from "./registry.ts";
export { createSigner, recoverAddress, type Signer, signerImplementation } from "./signer.ts";
export type { StakeState, StakeVault } from "./stake.ts";
export type { SignedApproval, SignedTransfer, Usd } from "./usd.ts";
export { eligibleMembers, membersAfter, type ValidatorMember, type ValidatorSet } from "./validators.ts";
export { type ContractCheck, verifyDeployment } from "./verify-deployment.ts";
export type { WriteResult, WriterOptions } from "./writer.ts";
export { placeX402StandIns, X402_BATCH_CONTRACT } from "./x402-stand-ins.ts";
