export { VALIDATOR_MIGRATIONS } from "./audit-ledger.ts";
export {
  type Canaries,
  type CanaryIdentity,
  type CanaryModules,
  type CanaryOptions,
  createCanaries,
} from "./canary/canaries.ts";
export type { SeenRequest } from "./canary/mix.ts";
export { type ObserveModules, observe } from "./canary/observe.ts";
export { type Accusation, appeal, challenge, type DisputeObserver } from "./disputes/challenge.ts";
export { type Challenger, createChallenger } from "./disputes/challenger.ts";
export { openEvidence, publicEvidence, sealedEvidence } from "./disputes/evidence.ts";
export { createJuror, type Juror, type JurorModules, type JurorOptions } from "./disputes/juror.ts";
export {
  createValidator,
  type Validator,
  type ValidatorModules,
  type ValidatorOptions,
  type ValidatorState,
} from "./validator.ts";
