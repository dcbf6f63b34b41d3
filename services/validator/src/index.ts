export { VALIDATOR_MIGRATIONS } from "./audit-ledger.ts";
export { openEvidence, publicEvidence, sealedEvidence } from "./disputes/evidence.ts";
export { createJuror, type Juror, type JurorModules, type JurorOptions } from "./disputes/juror.ts";
export {
  createValidator,
  type Validator,
  type ValidatorModules,
  type ValidatorOptions,
  type ValidatorState,
} from "./validator.ts";
