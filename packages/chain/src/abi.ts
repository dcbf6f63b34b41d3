import {
  channelsAbi,
  disputesAbi,
  providerRegistryAbi,
  receiptLogAbi,
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
} as const;

export type ContractName = keyof typeof ABIS;

export const CONTRACT_NAMES: readonly ContractName[] = [
  "testUsd",
  "channels",
  "providerRegistry",
  "stakeVault",
  "receiptLog",
  "validatorSet",
  "disputes",
];
