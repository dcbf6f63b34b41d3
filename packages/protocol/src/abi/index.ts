// Written by `npm run contracts -- build`; edit the Solidity instead.
export { channelsAbi } from "./Channels.abi.ts";
export { disputesAbi } from "./Disputes.abi.ts";
export { feeSplitterAbi } from "./FeeSplitter.abi.ts";
export { passesAbi } from "./Passes.abi.ts";
export { providerRegistryAbi } from "./ProviderRegistry.abi.ts";
export { receiptLogAbi } from "./ReceiptLog.abi.ts";
export { refundInsuranceAbi } from "./RefundInsurance.abi.ts";
export { stakeVaultAbi } from "./StakeVault.abi.ts";
export { testUsdAbi } from "./TestUSD.abi.ts";
export { validatorSetAbi } from "./ValidatorSet.abi.ts";
