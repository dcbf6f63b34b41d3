import type { Hex } from "@depinfer/protocol";
import { encodeDeployData } from "viem";
import { ABIS, type ContractName } from "./abi.ts";
import { channelsBytecode } from "./bytecode/Channels.ts";
import { disputesBytecode } from "./bytecode/Disputes.ts";
import { feeSplitterBytecode } from "./bytecode/FeeSplitter.ts";
import { passesBytecode } from "./bytecode/Passes.ts";
import { providerRegistryBytecode } from "./bytecode/ProviderRegistry.ts";
import { receiptLogBytecode } from "./bytecode/ReceiptLog.ts";
import { refundInsuranceBytecode } from "./bytecode/RefundInsurance.ts";
import { stakeVaultBytecode } from "./bytecode/StakeVault.ts";
import { testUsdBytecode } from "./bytecode/TestUSD.ts";
import { validatorSetBytecode } from "./bytecode/ValidatorSet.ts";
import { type DeployTerms, FEE_SHARES } from "./deploy-terms.ts";
import { ChainError } from "./errors.ts";

/** Addresses of the contracts that are there already. */
export type Deployed = Readonly<Partial<Record<ContractName, Hex>>>;

/** The code that creates each contract, without arguments of its constructor. */
export const CREATION: Readonly<Record<ContractName, Hex>> = {
  testUsd: testUsdBytecode,
  channels: channelsBytecode,
  providerRegistry: providerRegistryBytecode,
  stakeVault: stakeVaultBytecode,
  validatorSet: validatorSetBytecode,
  receiptLog: receiptLogBytecode,
  disputes: disputesBytecode,
  refundInsurance: refundInsuranceBytecode,
  feeSplitter: feeSplitterBytecode,
  passes: passesBytecode,
};

/** What each contract's constructor is given the address of: without these, it has to be made anew as well. */
export const NEEDS: Readonly<Record<ContractName, readonly ContractName[]>> = {
  testUsd: [],
  channels: ["testUsd"],
  providerRegistry: [],
  stakeVault: ["testUsd"],
  validatorSet: ["providerRegistry", "stakeVault"],
  receiptLog: ["providerRegistry", "validatorSet"],
  disputes: ["channels", "receiptLog", "stakeVault", "validatorSet"],
  refundInsurance: ["disputes"],
  feeSplitter: ["refundInsurance"],
  passes: ["channels", "disputes", "feeSplitter", "refundInsurance"],
};

/**
 * The transaction data that makes a contract.
 *
 * @param disputes Where the disputes contract will be: the vault obeys one address for ever, and that contract needs the
 * vault, so its address is known beforehand, and its constructor refuses to be made anywhere else.
 */
export function creationData(name: ContractName, deployed: Deployed, terms: DeployTerms, disputes: Hex): Hex {
  const at = (needed: ContractName): Hex => {
    const address = deployed[needed];
    if (address === undefined) {
      throw new ChainError({
        code: "chain.deployOrder",
        message: `${name} needs the address of ${needed}, which is not deployed`,
        remedy: "Deploy in the order of CONTRACT_NAMES",
        metadata: { name, needed },
      });
    }
    return address;
  };
  switch (name) {
    case "testUsd":
      return encodeDeployData({ abi: ABIS.testUsd, bytecode: testUsdBytecode });
    case "channels":
      return encodeDeployData({
        abi: ABIS.channels,
        bytecode: channelsBytecode,
        args: [at("testUsd"), terms.minWithdrawDelay],
      });
    case "providerRegistry":
      return encodeDeployData({ abi: ABIS.providerRegistry, bytecode: providerRegistryBytecode });
    case "stakeVault":
      return encodeDeployData({
        abi: ABIS.stakeVault,
        bytecode: stakeVaultBytecode,
        args: [at("testUsd"), terms.minPerSlot, terms.disputeWindow, terms.unbondDelay, disputes, terms.sink],
      });
    case "validatorSet":
      return encodeDeployData({
        abi: ABIS.validatorSet,
        bytecode: validatorSetBytecode,
        args: [at("providerRegistry"), at("stakeVault"), terms.minValidatorStake],
      });
    case "receiptLog":
      return encodeDeployData({
        abi: ABIS.receiptLog,
        bytecode: receiptLogBytecode,
        args: [at("providerRegistry"), at("validatorSet")],
      });
    case "disputes":
      return encodeDeployData({
        abi: ABIS.disputes,
        bytecode: disputesBytecode,
        args: [
          {
            channels: at("channels"),
            receiptLog: at("receiptLog"),
            stakeVault: at("stakeVault"),
            validators: at("validatorSet"),
          },
          terms.disputeTerms,
        ],
      });
    case "refundInsurance":
      return encodeDeployData({ abi: ABIS.refundInsurance, bytecode: refundInsuranceBytecode, args: [at("disputes")] });
    case "feeSplitter": {
      const shares = feeShares(terms, at("refundInsurance"));
      return encodeDeployData({
        abi: ABIS.feeSplitter,
        bytecode: feeSplitterBytecode,
        args: [shares.map(({ payee }) => payee), shares.map(({ basisPoints }) => BigInt(basisPoints))],
      });
    }
    case "passes":
      return encodeDeployData({
        abi: ABIS.passes,
        bytecode: passesBytecode,
        args: [at("channels"), at("disputes"), at("feeSplitter"), at("refundInsurance"), terms.passTerms],
      });
  }
}

/** Payees and their basis points as the splitter is made with them; what has no payee is the insurance's. */
export function feeShares(
  { feePayees }: Pick<DeployTerms, "feePayees">,
  insurance: Hex,
): readonly { readonly payee: Hex; readonly basisPoints: number }[] {
  return [
    { payee: feePayees.auditors ?? insurance, basisPoints: FEE_SHARES.auditors },
    { payee: feePayees.liquidity ?? insurance, basisPoints: FEE_SHARES.liquidity },
    { payee: feePayees.publicGoods ?? insurance, basisPoints: FEE_SHARES.publicGoods },
    { payee: feePayees.frontEnd ?? insurance, basisPoints: FEE_SHARES.frontEnd },
    { payee: feePayees.insurance ?? insurance, basisPoints: FEE_SHARES.insurance },
  ];
}
