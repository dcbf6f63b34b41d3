import { type ChannelConfig, channelId, type Hex } from "@depinfer/protocol";
import { encodeAbiParameters, encodeFunctionData, keccak256, parseEventLogs } from "viem";
import { ABIS } from "./abi.ts";
import { lowerCase } from "./lower-case.ts";
import type { Rpc } from "./rpc.ts";
import type { SignedApproval, SignedTransfer } from "./usd.ts";
import { type WriteResult, type Writer, writeResult } from "./writer.ts";

/** A signed voucher with its channel; the protocol's `SignedVoucher` is one. */
export interface Voucher {
  readonly config: ChannelConfig;
  readonly maxClaimableAmount: bigint;
  readonly signature: Hex;
}

export interface ChannelState {
  readonly status: "none" | "open" | "closed";
  /** Everything paid in, less refunds. */
  readonly deposit: bigint;
  /** Everything claimed so far; never decreases. */
  readonly settled: bigint;
  /** Unix second from which the payer's exit can be completed; undefined while none is pending. */
  readonly withdrawAt: number | undefined;
}

/** Why a batch left a voucher out, in the contract's order. */
export const SKIP_REASONS = ["notOpen", "notAboveSettled", "aboveDeposit", "badSignature"] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export interface SkippedClaim {
  /** Position in the batch. */
  readonly index: number;
  readonly channelId: Hex;
  readonly reason: SkipReason | "unknown";
}

export interface BatchResult extends WriteResult {
  readonly claimed: readonly { readonly channelId: Hex; readonly settled: bigint; readonly amount: bigint }[];
  readonly skipped: readonly SkippedClaim[];
}

/** Escrow and vouchers. Amounts are units of six decimals. Where tokens move in, approve the contract first. */
export interface Channels {
  readonly address: Hex;
  /** The id of a channel here, computed without asking the chain. */
  idOf(config: ChannelConfig): Hex;
  /** The config of a channel, from the event of its opening; undefined if it was never opened. */
  configOf(id: Hex): Promise<ChannelConfig | undefined>;
  /** Pays into a free balance: the account's own, or `payer`'s. */
  deposit(amount: bigint, payer?: Hex): Promise<WriteResult>;
  /** The EIP-3009 nonce that a payer signs to deposit without gas. */
  depositNonce(payer: Hex, amount: bigint, salt: Hex): Hex;
  /**
   * Pays into the free balance of whoever signed `authorization` (by `usd.authorize`, for this contract, this amount and
   * the nonce of this salt); anyone may relay it.
   */
  depositWithAuthorization(deposit: {
    readonly amount: bigint;
    readonly salt: Hex;
    readonly authorization: SignedTransfer;
  }): Promise<WriteResult>;
  /** Pays into the account's own free balance with the approval of `usd.permit`, in one transaction. */
  depositWithPermit(amount: bigint, approval: SignedApproval): Promise<WriteResult>;
  /** Takes out of the account's free balance, to itself or to `to`. */
  withdraw(amount: bigint, to?: Hex): Promise<WriteResult>;
  open(config: ChannelConfig, amount: bigint): Promise<WriteResult>;
  openFromBalance(config: ChannelConfig, amount: bigint): Promise<WriteResult>;
  topUp(config: ChannelConfig, amount: bigint): Promise<WriteResult>;
  topUpFromBalance(config: ChannelConfig, amount: bigint): Promise<WriteResult>;
  claim(voucher: Voucher): Promise<WriteResult>;
  /** Claims many; those that cannot be claimed are left out and listed in `skipped`. */
  claimBatch(vouchers: readonly Voucher[]): Promise<BatchResult>;
  /** Claims the last voucher, returns the rest to the payer and closes. As the receiver or its authorizer. */
  claimAndClose(voucher: Voucher): Promise<WriteResult>;
  refund(config: ChannelConfig, amount: bigint): Promise<WriteResult>;
  initiateWithdraw(config: ChannelConfig): Promise<WriteResult>;
  finalizeWithdraw(config: ChannelConfig): Promise<WriteResult>;
  /** Sends everything earned to the account itself or to `to`. */
  withdrawEarned(to?: Hex): Promise<WriteResult>;
  state(id: Hex): Promise<ChannelState>;
  earned(receiver: Hex): Promise<bigint>;
  freeBalance(payer: Hex): Promise<bigint>;
  /** Bounds on `withdrawDelay`, in seconds. */
  withdrawDelayBounds(): Promise<{ readonly min: number; readonly max: number }>;
}

const abi = ABIS.channels;
/** Public endpoints refuse ranges above a few thousand. */
const BLOCKS_PER_REQUEST = 2_000n;
const STATUS = ["none", "open", "closed"] as const;

export function createChannels({
  rpc,
  writer,
  address,
  chainId,
  token,
  sinceBlock,
}: {
  rpc: Rpc;
  writer: Writer;
  address: Hex;
  chainId: number;
  /** The only token of the channels. */
  token: Hex;
  /** The block before the contract was made. */
  sinceBlock: bigint;
}): Channels {
  const binding = { chainId, verifyingContract: address };
  const send = (action: string, data: Hex) => writer.send({ to: address, data, action });
  const self = (action: string) => writer.account(action).address;

  return {
    address,
    idOf: (config) => channelId(config, binding),
    configOf: (id) =>
      rpc.ask("channels.configOf", async (client) => {
        const latest = await client.getBlockNumber();
        for (let fromBlock = sinceBlock; fromBlock <= latest; fromBlock += BLOCKS_PER_REQUEST) {
          const [opened] = await client.getContractEvents({
            address,
            abi,
            eventName: "ChannelOpened",
            args: { channelId: id },
            fromBlock,
            toBlock: fromBlock + BLOCKS_PER_REQUEST - 1n,
            strict: true,
          });
          if (opened !== undefined) {
            const { payer, payerAuthorizer, receiver, receiverAuthorizer, withdrawDelay, salt } = opened.args;
            return {
              payer: lowerCase(payer),
              payerAuthorizer: lowerCase(payerAuthorizer),
              receiver: lowerCase(receiver),
              receiverAuthorizer: lowerCase(receiverAuthorizer),
              token,
              withdrawDelay: Number(withdrawDelay),
              salt,
            };
          }
        }
        return undefined;
      }),
    async deposit(amount, payer = self("channels.deposit")) {
      return send("channels.deposit", encodeFunctionData({ abi, functionName: "deposit", args: [payer, amount] }));
    },
    depositNonce,
    depositWithAuthorization: ({ amount, salt, authorization: { from, validAfter, validBefore, signature } }) =>
      send(
        "channels.depositWithAuthorization",
        encodeFunctionData({
          abi,
          functionName: "depositWithAuthorization",
          args: [from, amount, { validAfter: BigInt(validAfter), validBefore: BigInt(validBefore), salt, signature }],
        }),
      ),
    depositWithPermit: (amount, { deadline, v, r, s }) =>
      send(
        "channels.depositWithPermit",
        encodeFunctionData({ abi, functionName: "depositWithPermit", args: [amount, deadline, v, r, s] }),
      ),
    async withdraw(amount, to = self("channels.withdraw")) {
      return send("channels.withdraw", encodeFunctionData({ abi, functionName: "withdraw", args: [amount, to] }));
    },
    open: (config, amount) =>
      send("channels.open", encodeFunctionData({ abi, functionName: "open", args: [config, amount] })),
    openFromBalance: (config, amount) =>
      send(
        "channels.openFromBalance",
        encodeFunctionData({ abi, functionName: "openFromBalance", args: [config, amount] }),
      ),
    topUp: (config, amount) =>
      send("channels.topUp", encodeFunctionData({ abi, functionName: "topUp", args: [config, amount] })),
    topUpFromBalance: (config, amount) =>
      send(
        "channels.topUpFromBalance",
        encodeFunctionData({ abi, functionName: "topUpFromBalance", args: [config, amount] }),
      ),
    claim: ({ config, maxClaimableAmount, signature }) =>
      send(
        "channels.claim",
        encodeFunctionData({ abi, functionName: "claim", args: [config, maxClaimableAmount, signature] }),
      ),
    async claimBatch(vouchers) {
      const data = encodeFunctionData({ abi, functionName: "claimBatch", args: [vouchers] });
      const receipt = await writer.sendForReceipt({ to: address, data, action: "channels.claimBatch" });
      const logs = parseEventLogs({ abi, logs: receipt.logs, eventName: ["Claimed", "ClaimSkipped"] });
      return {
        ...writeResult(receipt),
        claimed: logs.flatMap(({ eventName, args }) =>
          eventName === "Claimed" ? [{ channelId: args.channelId, settled: args.settled, amount: args.amount }] : [],
        ),
        skipped: logs.flatMap(({ eventName, args }) =>
          eventName === "ClaimSkipped"
            ? [
                {
                  index: Number(args.index),
                  channelId: args.channelId,
                  reason: SKIP_REASONS[args.reason - 1] ?? "unknown",
                },
              ]
            : [],
        ),
      };
    },
    claimAndClose: ({ config, maxClaimableAmount, signature }) =>
      send(
        "channels.claimAndClose",
        encodeFunctionData({ abi, functionName: "claimAndClose", args: [config, maxClaimableAmount, signature] }),
      ),
    refund: (config, amount) =>
      send("channels.refund", encodeFunctionData({ abi, functionName: "refund", args: [config, amount] })),
    initiateWithdraw: (config) =>
      send("channels.initiateWithdraw", encodeFunctionData({ abi, functionName: "initiateWithdraw", args: [config] })),
    finalizeWithdraw: (config) =>
      send("channels.finalizeWithdraw", encodeFunctionData({ abi, functionName: "finalizeWithdraw", args: [config] })),
    async withdrawEarned(to = self("channels.withdrawEarned")) {
      return send("channels.withdrawEarned", encodeFunctionData({ abi, functionName: "withdrawEarned", args: [to] }));
    },
    async state(id) {
      const state = await rpc.ask("channels.state", (client) =>
        client.readContract({ address, abi, functionName: "channel", args: [id] }),
      );
      return {
        status: STATUS[state.status] ?? "none",
        deposit: state.deposit,
        settled: state.settled,
        withdrawAt: state.withdrawAt === 0n ? undefined : Number(state.withdrawAt),
      };
    },
    earned: (receiver) =>
      rpc.ask("channels.earned", (client) =>
        client.readContract({ address, abi, functionName: "earned", args: [receiver] }),
      ),
    freeBalance: (payer) =>
      rpc.ask("channels.freeBalance", (client) =>
        client.readContract({ address, abi, functionName: "balanceOf", args: [payer] }),
      ),
    async withdrawDelayBounds() {
      const [min, max] = await rpc.ask("channels.withdrawDelayBounds", (client) =>
        Promise.all([
          client.readContract({ address, abi, functionName: "MIN_WITHDRAW_DELAY" }),
          client.readContract({ address, abi, functionName: "MAX_WITHDRAW_DELAY" }),
        ]),
      );
      return { min, max };
    },
  };
}

/** `depositNonce` of `Channels.sol`, computed without asking the chain. */
function depositNonce(payer: Hex, amount: bigint, salt: Hex): Hex {
  return keccak256(
    encodeAbiParameters([{ type: "address" }, { type: "uint256" }, { type: "bytes32" }], [payer, amount, salt]),
  );
}
