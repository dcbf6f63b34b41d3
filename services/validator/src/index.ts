export { VALIDATOR_MIGRATIONS } from "./audit-ledger.ts";
export {
  createValidator,
  type Validator,
  type ValidatorModules,
  type ValidatorOptions,
  type ValidatorState,
} from "./validator.ts";
