import type { Hex } from "@depinfer/protocol";
import {
  type Abi,
  encodeFunctionData,
  hashTypedData,
  hexToBytes,
  isAddressEqual,
  type Log,
  type TypedDataDomain,
  verifyTypedData,
} from "viem";
import type { ChainModules } from "./chain.ts";
import { createRpc } from "./rpc.ts";
import { createWriter } from "./writer.ts";

export interface ContractCall {
  readonly address: Hex;
  readonly abi: readonly unknown[];
  readonly functionName: string;
  readonly args?: readonly unknown[];
}

export interface TypedMessage {
  readonly domain: Readonly<Record<string, unknown>>;
  readonly types: Readonly<Record<string, unknown>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** How an EIP-3009 authorization ended: by the transfer that it allows, by a cancellation, or not yet. */
export type AuthorizationEnd =
  | { readonly kind: "transferred"; readonly hash: Hex }
  | { readonly kind: "cancelled" | "open" };

/**
 * One account's access to any contract, in the shape that libraries of other protocols expect. Writes share the account's
 * line of nonces with everything else in this process, and are mined when they resolve.
 */
export interface EvmAccount {
  readonly address: Hex;
  getAddresses(): readonly Hex[];
  /** A call that changes nothing; for functions that would, it shows whether they revert. */
  readContract(call: ContractCall): Promise<unknown>;
  writeContract(call: ContractCall & { readonly args: readonly unknown[] }): Promise<Hex>;
  sendTransaction(transaction: { readonly to: Hex; readonly data: Hex }): Promise<Hex>;
  waitForTransactionReceipt(asked: { readonly hash: Hex }): Promise<{ status: string; logs: readonly Log[] }>;
  getCode(asked: { readonly address: Hex }): Promise<Hex | undefined>;
  verifyTypedData(asked: TypedMessage & { readonly address: Hex; readonly signature: Hex }): Promise<boolean>;
  /** Signs EIP-712 typed data with the account's key. */
  signTypedData(message: TypedMessage): Promise<Hex>;
  blockNumber(): Promise<bigint>;
  /** How an authorization of `payer` over the token at `token` ended in or after block `since`. */
  authorizationEnd(token: Hex, payer: Hex, nonce: Hex, since: bigint): Promise<AuthorizationEnd>;
}

const AUTHORIZATION_EVENTS = [
  {
    type: "event",
    name: "AuthorizationUsed",
    inputs: [
      { name: "authorizer", type: "address", indexed: true },
      { name: "nonce", type: "bytes32", indexed: true },
    ],
  },
  {
    type: "event",
    name: "AuthorizationCanceled",
    inputs: [
      { name: "authorizer", type: "address", indexed: true },
      { name: "nonce", type: "bytes32", indexed: true },
    ],
  },
] as const;

/** @throws ChainError `chain.noAccount` on the first write or signature when `account` is missing. */
export function createEvmAccount({
  rpcUrl,
  deployment,
  account,
}: ChainModules & Required<Pick<ChainModules, "account">>): EvmAccount {
  const rpc = createRpc(rpcUrl);
  const writer = createWriter({ rpc, account, chainId: deployment.chainId });

  return {
    address: account.address,
    getAddresses: () => [account.address],
    readContract: ({ address, abi, functionName, args = [] }) =>
      rpc.ask(functionName, (client) => client.readContract({ address, abi: checkedAbi(abi), functionName, args })),
    async writeContract({ address, abi, functionName, args }) {
      const data = encodeFunctionData({ abi: checkedAbi(abi), functionName, args });
      return (await writer.send({ to: address, data, action: functionName })).hash;
    },
    sendTransaction: async ({ to, data }) => (await writer.send({ to, data, action: "sendTransaction" })).hash,
    async waitForTransactionReceipt({ hash }) {
      const { status, logs } = await rpc.ask("waitForTransactionReceipt", (client) =>
        client.waitForTransactionReceipt({ hash, timeout: RECEIPT_MS, pollingInterval: POLL_MS }),
      );
      return { status, logs };
    },
    getCode: ({ address }) => rpc.ask("getCode", (client) => client.getCode({ address })),
    verifyTypedData: ({ address, signature, ...message }) => verifyTypedData({ ...typed(message), address, signature }),
    signTypedData: async (message) => account.sign(hexToBytes(hashTypedData(typed(message)))),
    blockNumber: () => rpc.ask("blockNumber", (client) => client.getBlockNumber()),
    async authorizationEnd(token, payer, nonce, since) {
      const logs = await rpc.ask("authorizationEnd", (client) =>
        client.getLogs({ address: token, events: AUTHORIZATION_EVENTS, fromBlock: since, toBlock: "latest" }),
      );
      const mine = logs.find(
        ({ args }) =>
          args.authorizer !== undefined && isAddressEqual(args.authorizer, payer) && args.nonce === nonce.toLowerCase(),
      );
      if (mine === undefined) {
        return { kind: "open" };
      }
      return mine.eventName === "AuthorizationUsed"
        ? { kind: "transferred", hash: mine.transactionHash }
        : { kind: "cancelled" };
    },
  };
}

/** What `send` has seen mined is asked for once more; an endpoint behind others may take a moment to see it too. */
const RECEIPT_MS = 30_000;
const POLL_MS = 250;

function checkedAbi(abi: readonly unknown[]): Abi {
  if (!isAbi(abi)) {
    throw new TypeError("an ABI is a list of functions, events and errors");
  }
  return abi;
}

function isAbi(abi: readonly unknown[]): abi is Abi {
  return abi.every((entry) => entry !== null && typeof entry === "object" && "type" in entry);
}

type Types = Record<string, readonly { readonly name: string; readonly type: string }[]>;

function typed({ domain, types, primaryType, message }: TypedMessage): {
  domain: TypedDataDomain;
  types: Types;
  primaryType: string;
  message: Record<string, unknown>;
} {
  if (!isTypes(types)) {
    throw new TypeError("EIP-712 types are lists of names and types");
  }
  return { domain: { ...domain }, types, primaryType, message: { ...message } };
}

function isTypes(types: Readonly<Record<string, unknown>>): types is Types {
  return Object.values(types).every(
    (fields) =>
      Array.isArray(fields) &&
      fields.every(
        (field: unknown) => field !== null && typeof field === "object" && "name" in field && "type" in field,
      ),
  );
}
