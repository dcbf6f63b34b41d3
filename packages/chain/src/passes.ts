import type { ChannelConfig, Hex } from "@depinfer/protocol";
import { encodeAbiParameters, encodeFunctionData, keccak256, parseEventLogs } from "viem";
import { ABIS } from "./abi.ts";
import { ChainError } from "./errors.ts";
import { type Pass, readPass } from "./pass-state.ts";
import { type PassTier, readTiers } from "./pass-tiers.ts";
import type { Rpc } from "./rpc.ts";
import type { SignedTransfer } from "./usd.ts";
import { type WriteResult, type Writer, writeResult } from "./writer.ts";

/** What the passes of one tier that ended in one period left over. */
export interface PassSurplus {
  /** Not claimed yet. */
  readonly remaining: bigint;
  /** Of who gets how much; undefined before it is posted and after an objection. */
  readonly root: Hex | undefined;
  /** Unix second of the root. */
  readonly postedAt: number | undefined;
  /** What was left went to the insurance. */
  readonly closed: boolean;
}

/** What was fixed when the contract was made. */
export interface PassTerms {
  /** Shortest period of a tier, in seconds. */
  readonly minPeriod: number;
  /** Seconds from the end of a period to the last moment for its root. */
  readonly rootWindow: number;
  /** Seconds from the root to the last objection. */
  readonly objectionWindow: number;
  /** Seconds from there to the last share. */
  readonly claimWindow: number;
  /** What an objection costs. */
  readonly objectionBond: bigint;
}

export interface PassUse {
  /** May fund channels for the pass beside its holder. */
  readonly operator: Hex;
  /** Signs its vouchers. */
  readonly signer: Hex;
}

/** Prepaid subscriptions. Amounts are units of six decimals. Where tokens move in, approve the contract first. */
export interface Passes {
  readonly address: Hex;
  tiers(): Promise<readonly PassTier[]>;
  tier(id: bigint): Promise<PassTier | undefined>;
  createTier(tier: {
    readonly price: bigint;
    readonly periodSeconds: number;
    readonly quota: bigint;
    readonly requestsPerMinute: number;
    readonly modelsHash: Hex;
    readonly metadata: string;
  }): Promise<WriteResult & { readonly tierId: bigint }>;
  pass(id: bigint): Promise<Pass | undefined>;
  /** Ids of the passes that an account holds, oldest first. */
  passesOf(holder: Hex): Promise<readonly bigint[]>;
  buy(tierId: bigint, use: PassUse & { readonly maxPrice: bigint }): Promise<WriteResult & { readonly passId: bigint }>;
  /** The EIP-3009 nonce that `holder` signs to buy without gas. */
  buyNonce(tierId: bigint, use: PassUse, salt: Hex): Hex;
  /** Buys a pass for `holder` by its signature over the tier's price; anyone may relay it. */
  buyWithAuthorization(
    tierId: bigint,
    purchase: PassUse & { readonly holder: Hex; readonly salt: Hex; readonly authorization: SignedTransfer },
  ): Promise<WriteResult & { readonly passId: bigint }>;
  renew(id: bigint): Promise<WriteResult>;
  upgrade(id: bigint, tierId: bigint, maxPayment: bigint): Promise<WriteResult>;
  cancel(id: bigint): Promise<WriteResult>;
  expire(id: bigint): Promise<WriteResult>;
  /** Takes back what a channel did not spend, by its place in `Pass.channels`; the last one takes its place. */
  reclaim(id: bigint, index: number): Promise<WriteResult>;
  settle(id: bigint): Promise<WriteResult>;
  /** Puts money of the pass into its channel with a provider, opening one if need be. */
  fund(
    id: bigint,
    provider: Hex,
    amount: bigint,
  ): Promise<WriteResult & { readonly channelId: Hex; readonly config: ChannelConfig }>;
  transfer(id: bigint, to: Hex): Promise<WriteResult>;
  setOperator(id: bigint, use: PassUse): Promise<WriteResult>;
  withdrawable(account: Hex): Promise<bigint>;
  withdraw(to?: Hex): Promise<WriteResult>;
  /** Sends the fee splitter or the insurance what they are owed. */
  forward(account: Hex): Promise<WriteResult>;
  /** The number of the period in which a pass of the tier that is settled now leaves its surplus. */
  periodOf(tierId: bigint): Promise<bigint>;
  surplus(tierId: bigint, period: bigint): Promise<PassSurplus>;
  postRoot(tierId: bigint, period: bigint, root: Hex): Promise<WriteResult>;
  claimShare(tierId: bigint, period: bigint, amount: bigint, proof: readonly Hex[]): Promise<WriteResult>;
  object(tierId: bigint, period: bigint): Promise<WriteResult>;
  sweep(tierId: bigint, period: bigint): Promise<WriteResult>;
  /** Passes on to the holder what a dispute paid to the contract as the payer of the answer. */
  passOnRefund(disputeId: Hex): Promise<WriteResult>;
  terms(): Promise<PassTerms>;
}

const abi = ABIS.passes;
/** Ids read in one call. */
const PAGE = 500n;

export function createPasses(modules: {
  rpc: Rpc;
  writer: Writer;
  address: Hex;
  /** The block before the contract was made. */
  sinceBlock: bigint;
  /** The id of a channel in the deployment's `Channels`. */
  idOf(config: ChannelConfig): Hex;
}): Passes {
  const { rpc, writer, address } = modules;
  const send = (action: string, data: Hex) => writer.send({ to: address, data, action: `passes.${action}` });

  async function sendForPass(action: string, data: Hex): Promise<WriteResult & { readonly passId: bigint }> {
    const receipt = await writer.sendForReceipt({ to: address, data, action: `passes.${action}` });
    const [bought] = parseEventLogs({ abi, logs: receipt.logs, eventName: "PassBought" });
    return { ...writeResult(receipt), passId: expected(bought, action).args.passId };
  }

  return {
    address,
    tiers: () => readTiers(modules),
    tier: async (id) => (await readTiers(modules, id))[0],
    async createTier({ price, periodSeconds, quota, requestsPerMinute, modelsHash, metadata }) {
      const receipt = await writer.sendForReceipt({
        to: address,
        data: encodeFunctionData({
          abi,
          functionName: "createTier",
          args: [price, BigInt(periodSeconds), quota, requestsPerMinute, modelsHash, metadata],
        }),
        action: "passes.createTier",
      });
      const [made] = parseEventLogs({ abi, logs: receipt.logs, eventName: "TierCreated" });
      return { ...writeResult(receipt), tierId: expected(made, "createTier").args.tierId };
    },
    pass: (id) => readPass(modules, id),
    async passesOf(holder) {
      const held: bigint[] = [];
      for (let from = 0n, received = 1n; from < received; from += PAGE) {
        const [ids, count] = await rpc.ask("passes.passesOf", (client) =>
          client.readContract({ address, abi, functionName: "passesOf", args: [holder, from, PAGE] }),
        );
        held.push(...ids);
        received = count;
      }
      return held;
    },
    buy: (tierId, { operator, signer, maxPrice }) =>
      sendForPass("buy", encodeFunctionData({ abi, functionName: "buy", args: [tierId, operator, signer, maxPrice] })),
    buyNonce: (tierId, { operator, signer }, salt) =>
      keccak256(
        encodeAbiParameters(
          [{ type: "uint256" }, { type: "address" }, { type: "address" }, { type: "bytes32" }],
          [tierId, operator, signer, salt],
        ),
      ),
    buyWithAuthorization: (tierId, { holder, operator, signer, salt, authorization }) =>
      sendForPass(
        "buyWithAuthorization",
        encodeFunctionData({
          abi,
          functionName: "buyWithAuthorization",
          args: [
            tierId,
            holder,
            operator,
            signer,
            {
              validAfter: BigInt(authorization.validAfter),
              validBefore: BigInt(authorization.validBefore),
              salt,
              signature: authorization.signature,
            },
          ],
        }),
      ),
    renew: (id) => send("renew", encodeFunctionData({ abi, functionName: "renew", args: [id] })),
    upgrade: (id, tierId, maxPayment) =>
      send("upgrade", encodeFunctionData({ abi, functionName: "upgrade", args: [id, tierId, maxPayment] })),
    cancel: (id) => send("cancel", encodeFunctionData({ abi, functionName: "cancel", args: [id] })),
    expire: (id) => send("expire", encodeFunctionData({ abi, functionName: "expire", args: [id] })),
    reclaim: (id, index) =>
      send("reclaim", encodeFunctionData({ abi, functionName: "reclaim", args: [id, BigInt(index)] })),
    settle: (id) => send("settle", encodeFunctionData({ abi, functionName: "settle", args: [id] })),
    async fund(id, provider, amount) {
      const data = encodeFunctionData({ abi, functionName: "fund", args: [id, provider, amount] });
      const receipt = await writer.sendForReceipt({ to: address, data, action: "passes.fund" });
      const [funded] = parseEventLogs({ abi, logs: receipt.logs, eventName: "PassFunded" });
      const { channelId } = expected(funded, "fund").args;
      const pass = await readPass(modules, id, receipt.blockNumber);
      const channel = pass?.channels.find(({ config }) => modules.idOf(config) === channelId);
      return { ...writeResult(receipt), channelId, config: expected(channel, "fund").config };
    },
    async transfer(id, to) {
      const from = writer.account("passes.transfer").address;
      return send(
        "transfer",
        encodeFunctionData({ abi, functionName: "safeTransferFrom", args: [from, to, id, 1n, "0x"] }),
      );
    },
    setOperator: (id, { operator, signer }) =>
      send("setOperator", encodeFunctionData({ abi, functionName: "setOperator", args: [id, operator, signer] })),
    withdrawable: (account) =>
      rpc.ask("passes.withdrawable", (client) =>
        client.readContract({ address, abi, functionName: "owed", args: [account] }),
      ),
    async withdraw(to = writer.account("passes.withdraw").address) {
      return send("withdraw", encodeFunctionData({ abi, functionName: "withdraw", args: [to] }));
    },
    forward: (account) => send("forward", encodeFunctionData({ abi, functionName: "forward", args: [account] })),
    periodOf: (tierId) =>
      rpc.ask("passes.periodOf", (client) =>
        client.readContract({ address, abi, functionName: "periodOf", args: [tierId] }),
      ),
    async surplus(tierId, period) {
      const { root, remaining, postedAt, closed } = await rpc.ask("passes.surplus", (client) =>
        client.readContract({ address, abi, functionName: "surplusOf", args: [tierId, period] }),
      );
      const posted = BigInt(root) !== 0n;
      return { remaining, root: posted ? root : undefined, postedAt: posted ? postedAt : undefined, closed };
    },
    postRoot: (tierId, period, root) =>
      send("postRoot", encodeFunctionData({ abi, functionName: "postRoot", args: [tierId, period, root] })),
    claimShare: (tierId, period, amount, proof) =>
      send(
        "claimShare",
        encodeFunctionData({ abi, functionName: "claimShare", args: [tierId, period, amount, proof] }),
      ),
    object: (tierId, period) =>
      send("object", encodeFunctionData({ abi, functionName: "object", args: [tierId, period] })),
    sweep: (tierId, period) =>
      send("sweep", encodeFunctionData({ abi, functionName: "sweep", args: [tierId, period] })),
    passOnRefund: (disputeId) =>
      send("passOnRefund", encodeFunctionData({ abi, functionName: "passOnRefund", args: [disputeId] })),
    async terms() {
      const read = { address, abi };
      const [minPeriod, rootWindow, objectionWindow, claimWindow, objectionBond] = await rpc.ask(
        "passes.terms",
        (client) =>
          Promise.all([
            client.readContract({ ...read, functionName: "MIN_PERIOD" }),
            client.readContract({ ...read, functionName: "ROOT_WINDOW" }),
            client.readContract({ ...read, functionName: "OBJECTION_WINDOW" }),
            client.readContract({ ...read, functionName: "CLAIM_WINDOW" }),
            client.readContract({ ...read, functionName: "OBJECTION_BOND" }),
          ]),
      );
      return { minPeriod, rootWindow, objectionWindow, claimWindow, objectionBond };
    },
  };
}

function expected<T>(found: T | undefined, action: string): T {
  if (found === undefined) {
    throw new ChainError({
      code: "chain.eventMissing",
      message: `passes.${action} was mined, and what it always leaves on the chain is missing`,
      remedy: "Check that the deployment's address of passes is that of this version's contract",
      metadata: { action },
    });
  }
  return found;
}
