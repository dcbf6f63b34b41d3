import type { Hex } from "@depinfer/protocol";
import { encodeDeployData } from "viem";
import { ABIS } from "./abi.ts";
import { channelsBytecode } from "./bytecode/Channels.ts";
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
const DAY = 86_400;
const NOBODY: Hex = `0x${"0".repeat(40)}`;

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
  /** The contract that may lock and slash stake; nobody by default. */
  readonly disputes?: Hex;
  /** Where slashed stake goes besides its reporter; kept in the vault for ever by default. */
  readonly sink?: Hex;
  /** Least active stake of a member of the validator set: $10. */
  readonly minValidatorStake?: bigint;
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
    disputes = NOBODY,
    sink = NOBODY,
    minValidatorStake = 10_000_000n,
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
  const stakeVault = await deploy(
    "StakeVault",
    encodeDeployData({
      abi: ABIS.stakeVault,
      bytecode: stakeVaultBytecode,
      args: [testUsd, minPerSlot, disputeWindow, unbondDelay, disputes, sink],
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
  return {
    chainId,
    rpcUrl,
    block,
    addresses: { testUsd, channels, providerRegistry, stakeVault, receiptLog, validatorSet },
  };
}

/** Whether there is code at every recorded address. */
async function hasCode(rpc: Rpc, { addresses }: Deployment): Promise<boolean> {
  const codes = await rpc.ask("deploy", (client) =>
    Promise.all(Object.values(addresses).map((address) => client.getCode({ address }))),
  );
  return codes.every((code) => code !== undefined && code !== "0x");
}
