import type { Hex } from "@depinfer/protocol";
import { type Address, encodeFunctionData, hashTypedData, hexToBytes, parseSignature } from "viem";
import { ABIS } from "./abi.ts";
import type { Rpc } from "./rpc.ts";
import type { WriteResult, Writer } from "./writer.ts";

/** An EIP-3009 authorization that its author signed; whoever holds it can have its recipient use it, once. */
export interface SignedTransfer {
  readonly from: Hex;
  /** Unix seconds: valid after this one, */
  readonly validAfter: number;
  /** and before this one. */
  readonly validBefore: number;
  readonly signature: Hex;
}

/** An EIP-2612 approval that its author signed. */
export interface SignedApproval {
  readonly deadline: bigint;
  readonly v: number;
  readonly r: Hex;
  readonly s: Hex;
}

/** The stable coin; on local and test networks a token without value that anyone may mint. */
export interface Usd {
  balanceOf(owner: Hex): Promise<bigint>;
  totalSupply(): Promise<bigint>;
  allowance(owner: Hex, spender: Hex): Promise<bigint>;
  /** The test faucet; a real token refuses. */
  mint(to: Hex, amount: bigint): Promise<WriteResult>;
  approve(spender: Hex, amount: bigint): Promise<WriteResult>;
  transfer(to: Hex, amount: bigint): Promise<WriteResult>;
  /**
   * Signs, as the account, an EIP-3009 authorization by which the contract `to` can take `amount`. Nothing is sent, and
   * the account needs no gas.
   */
  authorize(authorization: {
    readonly to: Hex;
    readonly amount: bigint;
    readonly nonce: Hex;
    readonly validAfter?: number;
    readonly validBefore: number;
  }): Promise<SignedTransfer>;
  /** Whether an EIP-3009 nonce was used or cancelled. */
  isAuthorizationUsed(from: Hex, nonce: Hex): Promise<boolean>;
  /** Signs, as the account, an EIP-2612 approval of `amount` for `spender`. Nothing is sent. */
  permit(approval: {
    readonly spender: Hex;
    readonly amount: bigint;
    readonly deadline: bigint;
  }): Promise<SignedApproval>;
}

const RECEIVE_TYPES = {
  ReceiveWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
} as const;

const PERMIT_TYPES = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

const abi = ABIS.testUsd;

export function createUsd({
  rpc,
  writer,
  address,
  chainId,
}: {
  rpc: Rpc;
  writer: Writer;
  address: Hex;
  chainId: number;
}): Usd {
  const send = (action: string, data: Hex) => writer.send({ to: address, data, action });

  /** The token's EIP-712 domain, as every token with these functions shows it. */
  async function domain(): Promise<{ name: string; version: string; chainId: number; verifyingContract: Address }> {
    const [name, version] = await rpc.ask("usd.domain", (client) =>
      Promise.all([
        client.readContract({ address, abi, functionName: "name" }),
        client.readContract({ address, abi, functionName: "version" }),
      ]),
    );
    return { name, version, chainId, verifyingContract: address };
  }
  return {
    balanceOf: (owner) =>
      rpc.ask("usd.balanceOf", (client) =>
        client.readContract({ address, abi, functionName: "balanceOf", args: [owner] }),
      ),
    totalSupply: () =>
      rpc.ask("usd.totalSupply", (client) => client.readContract({ address, abi, functionName: "totalSupply" })),
    allowance: (owner, spender) =>
      rpc.ask("usd.allowance", (client) =>
        client.readContract({ address, abi, functionName: "allowance", args: [owner, spender] }),
      ),
    mint: (to, amount) => send("usd.mint", encodeFunctionData({ abi, functionName: "mint", args: [to, amount] })),
    approve: (spender, amount) =>
      send("usd.approve", encodeFunctionData({ abi, functionName: "approve", args: [spender, amount] })),
    transfer: (to, amount) =>
      send("usd.transfer", encodeFunctionData({ abi, functionName: "transfer", args: [to, amount] })),
    async authorize({ to, amount, nonce, validAfter = 0, validBefore }) {
      const signer = writer.account("usd.authorize");
      const digest = hashTypedData({
        domain: await domain(),
        types: RECEIVE_TYPES,
        primaryType: "ReceiveWithAuthorization",
        message: {
          from: signer.address,
          to,
          value: amount,
          validAfter: BigInt(validAfter),
          validBefore: BigInt(validBefore),
          nonce,
        },
      });
      return { from: signer.address, validAfter, validBefore, signature: signer.sign(hexToBytes(digest)) };
    },
    isAuthorizationUsed: (from, nonce) =>
      rpc.ask("usd.isAuthorizationUsed", (client) =>
        client.readContract({ address, abi, functionName: "authorizationState", args: [from, nonce] }),
      ),
    async permit({ spender, amount, deadline }) {
      const signer = writer.account("usd.permit");
      const nonce = await rpc.ask("usd.permit", (client) =>
        client.readContract({ address, abi, functionName: "nonces", args: [signer.address] }),
      );
      const digest = hashTypedData({
        domain: await domain(),
        types: PERMIT_TYPES,
        primaryType: "Permit",
        message: { owner: signer.address, spender, value: amount, nonce, deadline },
      });
      const { r, s, yParity } = parseSignature(signer.sign(hexToBytes(digest)));
      return { deadline, v: 27 + yParity, r, s };
    },
  };
}
