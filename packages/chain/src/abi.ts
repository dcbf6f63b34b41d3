import {
  channelsAbi,
  disputesAbi,
  feeSplitterAbi,
  passesAbi,
  providerRegistryAbi,
  receiptLogAbi,
  refundInsuranceAbi,
  stakeVaultAbi,
  testUsdAbi,
  validatorSetAbi,
} from "@depinfer/protocol/abi";

/** Every contract that the package talks to. */
export const ABIS = {
  testUsd: testUsdAbi,
  channels: channelsAbi,
  providerRegistry: providerRegistryAbi,
  stakeVault: stakeVaultAbi,
  receiptLog: receiptLogAbi,
  validatorSet: validatorSetAbi,
  disputes: disputesAbi,
  refundInsurance: refundInsuranceAbi,
  feeSplitter: feeSplitterAbi,
  passes: passesAbi,
} as const;

export type ContractName = keyof typeof ABIS;

/** In the order in which they are deployed: each needs only those before it. */
export const CONTRACT_NAMES: readonly ContractName[] = [
  "testUsd",
  "channels",
  "providerRegistry",
  "stakeVault",
  "validatorSet",
  "receiptLog",
  "disputes",
  "refundInsurance",
  "feeSplitter",
  "passes",
];
