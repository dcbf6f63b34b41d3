import type { Hex } from "@depinfer/protocol";
import { TransactionNotFoundError } from "viem";
import { type Channels, createChannels } from "./channels.ts";
import type { Deployment } from "./deployment.ts";
import { createDisputes, type Disputes } from "./disputes.ts";
import { wrongChain } from "./errors.ts";
import { createFees, type Fees } from "./fees.ts";
import { eventsUpTo, type FollowOptions, follow } from "./follow.ts";
import { createInsurance, type Insurance } from "./insurance.ts";
import { createPasses, type Passes } from "./passes.ts";
import { createPreviewWriter } from "./preview.ts";
import { createReceiptLog, type ReceiptLog } from "./receipts.ts";
import { createRegistry, type Registry } from "./registry.ts";
import { createRpc, type RpcOptions } from "./rpc.ts";
import type { Signer } from "./signer.ts";
import { createStakeVault, type StakeVault } from "./stake.ts";
import { createUsd, type Usd } from "./usd.ts";
import { createValidatorSet, type ValidatorSet } from "./validators.ts";
import { createWriter, type WriteResult, type WriterOptions } from "./writer.ts";

/** Every contract of one deployment, read and written through one endpoint. */
export interface Chain {
  readonly deployment: Deployment;
  readonly rpcUrl: string;
  /** The account that writes, in lower case; undefined when this object only reads. */
  readonly account: Hex | undefined;
  readonly usd: Usd;
  readonly channels: Channels;
  readonly registry: Registry;
  readonly stake: StakeVault;
  readonly receipts: ReceiptLog;
  readonly validators: ValidatorSet;
  readonly disputes: Disputes;
  readonly passes: Passes;
  readonly fees: Fees;
  readonly insurance: Insurance;
  blockNumber(): Promise<bigint>;
  /** Unix second of the newest block, by which the contracts tell time, or of the block with this number. */
  blockTime(blockNumber?: bigint): Promise<number>;
  /** What an account has to pay for gas, in wei. */
  gasBalance(owner: Hex): Promise<bigint>;
  /** Wei that a unit of gas costs now. */
  gasPrice(): Promise<bigint>;
  /** Sends wei, so that another account can pay for gas. */
  sendGas(to: Hex, wei: bigint): Promise<WriteResult>;
  /** Wei that a mined transaction paid for gas. */
  feeOf(hash: Hex): Promise<bigint>;
  /** Whether the chain knows the transaction, mined or waiting. After a reorganisation it may not, any more. */
  transactionExists(hash: Hex): Promise<boolean>;
  /** Delivers decoded events until the signal aborts. */
  follow(options: FollowOptions): Promise<void>;
  /** Throws `chain.wrongChain` unless the endpoint serves the deployment's chain, `chain.unreachable` if it is away. */
  check(): Promise<void>;
}

export interface ChainModules {
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  /** Signs transactions; without it every write throws `chain.noAccount`. */
  readonly account?: Signer;
}

/**
 * Access to a deployment. Nothing is sent yet.
 *
 * @example
 * const chain = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: createSigner(key) });
 * await chain.usd.balanceOf(chain.account); // 1000000n is one dollar
 */
export function createChain(
  { rpcUrl, deployment, account }: ChainModules,
  options: RpcOptions &
    WriterOptions & {
      /** Estimate writes instead of sending them; see `previewOf`. */ readonly previewOnly?: boolean;
    } = {},
): Chain {
  const { addresses, chainId } = deployment;
  const rpc = createRpc(rpcUrl, options);
  const writer = options.previewOnly
    ? createPreviewWriter({ rpc, account })
    : createWriter({ rpc, account, chainId }, options);

  const sinceBlock = BigInt(deployment.block);
  const token = addresses.testUsd;
  const channels = createChannels({ rpc, writer, address: addresses.channels, chainId, token, sinceBlock });

  return {
    deployment,
    rpcUrl,
    account: account?.address,
    usd: createUsd({ rpc, writer, address: token, chainId }),
    channels,
    passes: createPasses({ rpc, writer, address: addresses.passes, sinceBlock, idOf: channels.idOf }),
    fees: createFees({ rpc, writer, address: addresses.feeSplitter, token }),
    insurance: createInsurance({ rpc, writer, address: addresses.refundInsurance }),
    registry: createRegistry({ rpc, writer, address: addresses.providerRegistry }),
    stake: createStakeVault({ rpc, writer, address: addresses.stakeVault }),
    receipts: createReceiptLog({ rpc, writer, address: addresses.receiptLog }),
    validators: createValidatorSet({
      rpc,
      writer,
      address: addresses.validatorSet,
      eventsUpTo: (block) => eventsUpTo({ rpc, deployment }, ["validatorSet"], block),
    }),
    disputes: createDisputes({
      rpc,
      writer,
      address: addresses.disputes,
      async readEvents() {
        const latest = await rpc.ask("disputes.events", (client) => client.getBlockNumber());
        return eventsUpTo({ rpc, deployment }, ["disputes"], latest);
      },
    }),
    blockNumber: () => rpc.ask("blockNumber", (client) => client.getBlockNumber()),
    async blockTime(blockNumber) {
      const block = await rpc.ask("blockTime", (client) =>
        client.getBlock(blockNumber === undefined ? {} : { blockNumber }),
      );
      return Number(block.timestamp);
    },
    gasBalance: (address) => rpc.ask("gasBalance", (client) => client.getBalance({ address })),
    gasPrice: () => rpc.ask("gasPrice", (client) => client.getGasPrice()),
    sendGas: (to, value) => writer.send({ to, data: "0x", value, action: "sendGas" }),
    feeOf: (hash) =>
      rpc.ask("feeOf", async (client) => {
        const { gasUsed, effectiveGasPrice } = await client.getTransactionReceipt({ hash });
        return gasUsed * effectiveGasPrice;
      }),
    transactionExists: (hash) =>
      rpc.ask("transactionExists", async (client) => {
        try {
          await client.getTransaction({ hash });
          return true;
        } catch (error) {
          if (error instanceof TransactionNotFoundError) {
            return false;
          }
          throw error;
        }
      }),
    follow: (followOptions) => follow({ rpc, deployment }, followOptions),
    async check() {
      const actual = await rpc.ask("check", (client) => client.getChainId());
      if (actual !== chainId) {
        throw wrongChain(rpcUrl, chainId, actual);
      }
    },
  };
}
