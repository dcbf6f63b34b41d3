export {
  ADVERSARIES,
  ADVERSARY_DESCRIPTIONS,
  type AdversaryKind,
  createAdversary,
  needsSubstitute,
} from "./adversary/adversary.ts";
export type { Settlement } from "./epochs.ts";
export type { LedgerChannel } from "./ledger.ts";
export { createNonceBook, type NonceBook } from "./nonces.ts";
export { createNode, type NodeModules, type NodeOptions, type NodeState, type ProviderNode } from "./provider.ts";
export { PROVIDER_MIGRATIONS } from "./provider-journal.ts";
