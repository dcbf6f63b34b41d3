import type { EvmAccount } from "@depinfer/chain/evm-account";
import { DepinferError, errorCode, type Hex } from "@depinfer/protocol";
import { x402Facilitator } from "@x402/core/facilitator";
import { type FacilitatorClient, x402ResourceServer } from "@x402/core/server";
import type { Network } from "@x402/core/types";
import { BatchSettlementEvmScheme as BatchFacilitator } from "@x402/evm/batch-settlement/facilitator";
import { BatchSettlementEvmScheme as BatchServer, type ChannelStorage } from "@x402/evm/batch-settlement/server";
import { ExactEvmScheme as ExactFacilitator } from "@x402/evm/exact/facilitator";
import { ExactEvmScheme as ExactServer } from "@x402/evm/exact/server";

/** The token that payments are made in, with the EIP-712 domain that authorizations are signed under. */
export interface PaymentToken {
  readonly address: Hex;
  readonly name: string;
  readonly version: string;
}

/** x402's own server and facilitator, with this service's wallet as both. */
export interface Payments {
  readonly server: x402ResourceServer;
  readonly network: Network;
  readonly token: PaymentToken;
  balanceOf(owner: Hex): Promise<bigint>;
  /** `batch-settlement`, where its contract is on this chain. */
  readonly batch: {
    readonly scheme: BatchServer;
    claim(): Promise<void>;
    /** Units that were charged and not claimed yet. */
    unclaimed(): Promise<bigint>;
  } | null;
}

/** Where the contract of `batch-settlement` lies on every chain that has it. */
const BATCH_CONTRACT = "0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003";
/** Vouchers in one claim: some 30,000 gas each, so that a claim stays far below a block. */
const CLAIMS_PER_BATCH = 50;

export async function createPayments(
  { account, storage }: { readonly account: EvmAccount; readonly storage: ChannelStorage },
  {
    chainId,
    token,
    channelStateMs,
  }: { readonly chainId: number; readonly token: Hex; readonly channelStateMs: number },
): Promise<Payments> {
  const network: Network = `eip155:${chainId}`;
  const facilitator = new x402Facilitator();
  const signer = { ...account, getAddresses: () => [...account.getAddresses()] };
  facilitator.register(network, new ExactFacilitator(signer));
  const code = await account.getCode({ address: BATCH_CONTRACT });
  const hasBatch = code !== undefined && code !== "0x";
  if (hasBatch) {
    facilitator.register(network, new BatchFacilitator(signer));
  }
  const local: FacilitatorClient = {
    verify: (payload, requirements) => facilitator.verify(payload, requirements),
    settle: (payload, requirements) => facilitator.settle(payload, requirements),
    async getSupported() {
      const { kinds, extensions, signers } = facilitator.getSupported();
      return { kinds: kinds.map((kind) => ({ ...kind, network })), extensions, signers };
    },
  };
  const server = new x402ResourceServer(local).register(network, new ExactServer());
  const batchScheme = hasBatch
    ? new BatchServer(account.address, {
        storage,
        receiverAuthorizerSigner: account,
        onchainStateTtlMs: channelStateMs,
      })
    : null;
  if (batchScheme !== null) {
    server.register(network, batchScheme);
  }
  await server.initialize();
  const manager = batchScheme?.createChannelManager(local, network, token);
  /** What an earlier process claimed may still have to be paid out. */
  let unsettled = true;
  return {
    server,
    network,
    token: await readToken(account, token),
    async balanceOf(owner) {
      const balance = await account.readContract({
        address: token,
        abi: BALANCE_OF,
        functionName: "balanceOf",
        args: [owner],
      });
      return typeof balance === "bigint" ? balance : 0n;
    },
    batch:
      batchScheme === null || manager === undefined
        ? null
        : {
            scheme: batchScheme,
            async claim() {
              const claims = await manager.claim({ maxClaimsPerBatch: CLAIMS_PER_BATCH });
              unsettled ||= claims.length > 0;
              if (unsettled && (await hasClaimed(account, token))) {
                await manager.settle();
              }
              unsettled = false;
            },
            async unclaimed() {
              const channels = await storage.list();
              return channels.reduce((sum, { chargedCumulativeAmount, totalClaimed }) => {
                const owed = BigInt(chargedCumulativeAmount) - BigInt(totalClaimed);
                return owed > 0n ? sum + owed : sum;
              }, 0n);
            },
          },
  };
}

const BALANCE_OF = [
  {
    type: "function",
    name: "balanceOf",
    stateMutability: "view",
    inputs: [{ name: "account", type: "address" }],
    outputs: [{ name: "", type: "uint256" }],
  },
];
const RECEIVERS = [
  {
    type: "function",
    name: "receivers",
    stateMutability: "view",
    inputs: [
      { name: "receiver", type: "address" },
      { name: "token", type: "address" },
    ],
    outputs: [
      { name: "totalClaimed", type: "uint128" },
      { name: "totalSettled", type: "uint128" },
    ],
  },
];

/** Whether something was claimed and not paid out. */
async function hasClaimed(account: EvmAccount, token: Hex): Promise<boolean> {
  const sums = await account.readContract({
    address: BATCH_CONTRACT,
    abi: RECEIVERS,
    functionName: "receivers",
    args: [account.address, token],
  });
  const [claimed, settled] = Array.isArray(sums) ? sums : [];
  return typeof claimed === "bigint" && typeof settled === "bigint" && claimed > settled;
}

const METADATA = ["name", "version"].map((name) => ({
  type: "function",
  name,
  stateMutability: "view",
  inputs: [],
  outputs: [{ name: "", type: "string" }],
}));

/** @throws DepinferError `payment.unsupportedToken`. */
async function readToken(account: EvmAccount, address: Hex): Promise<PaymentToken> {
  const [name, version] = await Promise.all(
    ["name", "version"].map((functionName) =>
      account.readContract({ address, abi: METADATA, functionName }).catch(unlessReverted),
    ),
  );
  if (typeof name !== "string" || typeof version !== "string") {
    throw new DepinferError({
      code: "payment.unsupportedToken",
      message: `The token ${address} does not tell the name and version that EIP-3009 authorizations are signed under`,
      remedy: "Turn x402 off, or use a token with EIP-3009 such as USDC",
      metadata: { token: address },
    });
  }
  return { address, name, version };
}

function unlessReverted(error: unknown): undefined {
  if (errorCode(error) === "chain.unreachable") {
    throw error;
  }
  return undefined;
}
