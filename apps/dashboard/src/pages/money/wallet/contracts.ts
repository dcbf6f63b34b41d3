import { type Hex, PASS_USE_TYPES, passUseDomain } from "@depinfer/protocol";
import { channelsAbi, passesAbi, testUsdAbi } from "@depinfer/protocol/abi";
import type { PassUseTerms } from "@depinfer/protocol/api";
import { decodeErrorResult, decodeEventLog, decodeFunctionResult, encodeFunctionData } from "viem";

/*
 * What goes to the contracts and what comes back, as bytes. It brings viem and the contracts' interfaces along, so that
 * it is loaded when somebody connects a wallet and not before (`import()` in `access.ts`).
 */

/** A question to a contract. */
export interface ContractRead<Answer> {
  readonly data: Hex;
  decode(answer: Hex): Answer;
}

const usd = testUsdAbi;
const abi = passesAbi;
/** Passes of one holder that are looked at; more is nobody's. */
const MOST_PASSES = 500n;

export const write = {
  approve: (spender: Hex, amount: bigint) =>
    encodeFunctionData({ abi: usd, functionName: "approve", args: [spender, amount] }),
  buy: (tier: bigint, { operator, signer }: PassUseTerms, maxPrice: bigint) =>
    encodeFunctionData({ abi, functionName: "buy", args: [tier, operator, signer, maxPrice] }),
  renew: (pass: bigint) => encodeFunctionData({ abi, functionName: "renew", args: [pass] }),
  setOperator: (pass: bigint, { operator, signer }: PassUseTerms) =>
    encodeFunctionData({ abi, functionName: "setOperator", args: [pass, operator, signer] }),
  cancel: (pass: bigint) => encodeFunctionData({ abi, functionName: "cancel", args: [pass] }),
  expire: (pass: bigint) => encodeFunctionData({ abi, functionName: "expire", args: [pass] }),
  reclaim: (pass: bigint, index: bigint) => encodeFunctionData({ abi, functionName: "reclaim", args: [pass, index] }),
  settle: (pass: bigint) => encodeFunctionData({ abi, functionName: "settle", args: [pass] }),
  withdraw: (to: Hex) => encodeFunctionData({ abi, functionName: "withdraw", args: [to] }),
};

/** A pass as the contract has it. Amounts are units, times Unix seconds; `endedAt` is 0 before it is ended. */
export interface ChainPass {
  readonly holder: Hex;
  readonly tier: bigint;
  readonly start: number;
  readonly end: number;
  readonly endedAt: number;
  readonly settled: boolean;
  /** Paid for the present term, less `fee`. */
  readonly net: bigint;
  readonly fee: bigint;
  readonly operator: Hex;
  readonly signer: Hex;
}

export const read = {
  balanceOf: (account: Hex): ContractRead<bigint> => ({
    data: encodeFunctionData({ abi: usd, functionName: "balanceOf", args: [account] }),
    decode: (data) => decodeFunctionResult({ abi: usd, functionName: "balanceOf", data }),
  }),
  allowance: (owner: Hex, spender: Hex): ContractRead<bigint> => ({
    data: encodeFunctionData({ abi: usd, functionName: "allowance", args: [owner, spender] }),
    decode: (data) => decodeFunctionResult({ abi: usd, functionName: "allowance", data }),
  }),
  tier: (
    id: bigint,
  ): ContractRead<{ readonly price: bigint; readonly period: number; readonly forAllModels: boolean }> => ({
    data: encodeFunctionData({ abi, functionName: "tierOf", args: [id] }),
    decode(data) {
      const { price, period, modelsHash } = decodeFunctionResult({ abi, functionName: "tierOf", data });
      return { price, period, forAllModels: BigInt(modelsHash) === 0n };
    },
  }),
  pass: (id: bigint): ContractRead<ChainPass> => ({
    data: encodeFunctionData({ abi, functionName: "passOf", args: [id] }),
    decode: (data) => decodeFunctionResult({ abi, functionName: "passOf", data }),
  }),
  passesOf: (holder: Hex): ContractRead<readonly bigint[]> => ({
    data: encodeFunctionData({ abi, functionName: "passesOf", args: [holder, 0n, MOST_PASSES] }),
    decode: (data) => decodeFunctionResult({ abi, functionName: "passesOf", data })[0],
  }),
  refundable: (id: bigint): ContractRead<bigint> => ({
    data: encodeFunctionData({ abi, functionName: "refundable", args: [id] }),
    decode: (data) => decodeFunctionResult({ abi, functionName: "refundable", data }),
  }),
  /** How many channels of a pass are not reclaimed, and what it put into them. */
  channels: (id: bigint): ContractRead<{ readonly count: number; readonly funded: bigint }> => ({
    data: encodeFunctionData({ abi, functionName: "channelsOf", args: [id] }),
    decode(data) {
      const channels = decodeFunctionResult({ abi, functionName: "channelsOf", data });
      return { count: channels.length, funded: channels.reduce((sum, { funded }) => sum + funded, 0n) };
    },
  }),
  /** Units that `withdraw` sends. */
  owed: (account: Hex): ContractRead<bigint> => ({
    data: encodeFunctionData({ abi, functionName: "owed", args: [account] }),
    decode: (data) => decodeFunctionResult({ abi, functionName: "owed", data }),
  }),
};

/** What a holder signs to let a pass pay for the key of a gateway, as `eth_signTypedData_v4` takes it. */
export function passUseMessage(pass: bigint, { keyHash, operator, chainId, contract }: PassUseTerms): string {
  return JSON.stringify({
    domain: passUseDomain({ chainId, verifyingContract: contract }),
    types: {
      EIP712Domain: [
        { name: "name", type: "string" },
        { name: "version", type: "string" },
        { name: "chainId", type: "uint256" },
        { name: "verifyingContract", type: "address" },
      ],
      ...PASS_USE_TYPES,
    },
    primaryType: "UsePass",
    message: { pass: pass.toString(), keyHash, operator },
  });
}

/** The name of the contract's error, and its values: `PriceAbove(3000000, 2000000)`. Null for none of ours. */
export function contractRefusal(data: Hex): string | null {
  for (const one of [abi, usd, channelsAbi]) {
    try {
      const { errorName, args } = decodeErrorResult({ abi: one, data });
      return `${errorName}(${(args ?? []).map(String).join(", ")})`;
    } catch {
      // Another one may have it.
    }
  }
  return null;
}

/** The pass that a transaction bought, by its logs. */
export function boughtPass(
  logs: readonly { readonly address: Hex; readonly topics: readonly Hex[]; readonly data: Hex }[],
  contract: Hex,
): bigint | null {
  for (const { address, topics, data } of logs) {
    const [first, ...others] = topics;
    if (address === contract && first !== undefined) {
      const { eventName, args } = decodeEventLog({ abi, data, topics: [first, ...others], strict: false });
      if (eventName === "PassBought" && args.passId !== undefined) {
        return args.passId;
      }
    }
  }
  return null;
}
