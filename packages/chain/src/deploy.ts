import type { Hex } from "@depinfer/protocol";
import { encodeDeployData, getContractAddress } from "viem";
import { ABIS } from "./abi.ts";
import { channelsBytecode } from "./bytecode/Channels.ts";
import { disputesBytecode } from "./bytecode/Disputes.ts";
import { providerRegistryBytecode } from "./bytecode/ProviderRegistry.ts";
import { receiptLogBytecode } from "./bytecode/ReceiptLog.ts";
import { stakeVaultBytecode } from "./bytecode/StakeVault.ts";
import { testUsdBytecode } from "./bytecode/TestUSD.ts";
import { validatorSetBytecode } from "./bytecode/ValidatorSet.ts";
import type { Deployment } from "./deployment.ts";
import { ChainError } from "./errors.ts";
import { createRpc, type Rpc } from "./rpc.ts";
import type { Signer } from "./signer.ts";
import { createWriter } from "./writer.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
/** Vault, validator set and receipt log. */
const CONTRACTS_BEFORE_DISPUTES = 3;
const NOBODY: Hex = `0x${"0".repeat(40)}`;

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

/** What is fixed for ever when the contracts are made. Delays are in seconds, amounts in units of six decimals. */
export interface DeployOptions {
  /** Reused if all of its contracts are still there. */
  readonly existing?: Deployment;
  /** The stable coin; by default a test token without value is made. */
  readonly token?: Hex;
  /** Lower bound on a channel's notice of withdrawal: 15 minutes as in x402. Local networks may choose less. */
  readonly minWithdrawDelay?: number;
  /** Collateral per slot: $10. */
  readonly minPerSlot?: bigint;
  readonly disputeWindow?: number;
  /** Must exceed the dispute window. */
  readonly unbondDelay?: number;
  /** Where slashed stake goes besides those harmed and those who judged; kept in the vault for ever by default. */
  readonly sink?: Hex;
  /** Least active stake of a member of the validator set: $10. */
  readonly minValidatorStake?: bigint;
  /** Over `DISPUTE_TERMS`. */
  readonly disputeTerms?: Partial<DisputeTerms>;
}

/**
 * Deploys the contracts, or returns `existing` if its code is all there: running it twice is running it once. A local
 * chain that was killed may have forgotten a deployment; then a new one is made.
 */
export async function deployContracts(
  { rpcUrl, account }: { readonly rpcUrl: string; readonly account: Signer },
  {
    existing,
    token,
    minWithdrawDelay = 15 * MINUTE,
    minPerSlot = 10_000_000n,
    disputeWindow = 3 * DAY,
    unbondDelay = 7 * DAY,
    sink = NOBODY,
    minValidatorStake = 10_000_000n,
    disputeTerms = {},
  }: DeployOptions = {},
): Promise<Deployment> {
  const rpc = createRpc(rpcUrl);
  const { chainId, block } = await rpc.ask("deploy", async (client) => ({
    chainId: await client.getChainId(),
    block: Number(await client.getBlockNumber()),
  }));
  if (existing !== undefined && existing.chainId === chainId && (await hasCode(rpc, existing))) {
    return existing;
  }

  const writer = createWriter({ rpc, account, chainId });
  async function deploy(name: string, data: Hex): Promise<Hex> {
    const { contractAddress } = await writer.sendForReceipt({ data, action: `deploying ${name}` });
    if (contractAddress === undefined || contractAddress === null) {
      throw new ChainError({
        code: "chain.notDeployed",
        message: `The chain made no contract for ${name}`,
        remedy: "Check that the endpoint serves an EVM chain",
        metadata: { name },
      });
    }
    return `0x${contractAddress.slice(2).toLowerCase()}`;
  }

  const testUsd =
    token ?? (await deploy("TestUSD", encodeDeployData({ abi: ABIS.testUsd, bytecode: testUsdBytecode })));
  const channels = await deploy(
    "Channels",
    encodeDeployData({ abi: ABIS.channels, bytecode: channelsBytecode, args: [testUsd, minWithdrawDelay] }),
  );
  const providerRegistry = await deploy(
    "ProviderRegistry",
    encodeDeployData({ abi: ABIS.providerRegistry, bytecode: providerRegistryBytecode }),
  );
  // The vault obeys one address for ever, and that contract needs the vault: so its address is known beforehand, and its
  // constructor refuses to be made anywhere else.
  const nonce = await rpc.ask("deploy", (client) => client.getTransactionCount({ address: account.address }));
  const disputesAddress = getContractAddress({
    from: account.address,
    nonce: BigInt(nonce + CONTRACTS_BEFORE_DISPUTES),
  });
  const stakeVault = await deploy(
    "StakeVault",
    encodeDeployData({
      abi: ABIS.stakeVault,
      bytecode: stakeVaultBytecode,
      args: [testUsd, minPerSlot, disputeWindow, unbondDelay, disputesAddress, sink],
    }),
  );
  const validatorSet = await deploy(
    "ValidatorSet",
    encodeDeployData({
      abi: ABIS.validatorSet,
      bytecode: validatorSetBytecode,
      args: [providerRegistry, stakeVault, minValidatorStake],
    }),
  );
  const receiptLog = await deploy(
    "ReceiptLog",
    encodeDeployData({ abi: ABIS.receiptLog, bytecode: receiptLogBytecode, args: [providerRegistry, validatorSet] }),
  );
  const disputes = await deploy(
    "Disputes",
    encodeDeployData({
      abi: ABIS.disputes,
      bytecode: disputesBytecode,
      args: [
        { channels, receiptLog, stakeVault, validators: validatorSet },
        { ...DISPUTE_TERMS, ...disputeTerms },
      ],
    }),
  );
  return {
    chainId,
    rpcUrl,
    block,
    addresses: { testUsd, channels, providerRegistry, stakeVault, receiptLog, validatorSet, disputes },
  };
}

/** Whether there is code at every recorded address. */
async function hasCode(rpc: Rpc, { addresses }: Deployment): Promise<boolean> {
  const codes = await rpc.ask("deploy", (client) =>
    Promise.all(Object.values(addresses).map((address) => client.getCode({ address }))),
  );
  return codes.every((code) => code !== undefined && code !== "0x");
}
