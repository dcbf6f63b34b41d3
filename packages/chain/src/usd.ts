import type { Hex } from "@depinfer/protocol";
import { encodeFunctionData } from "viem";
import { ABIS } from "./abi.ts";
import type { Rpc } from "./rpc.ts";
import type { WriteResult, Writer } from "./writer.ts";

/** The stable coin; on local and test networks a token without value that anyone may mint. */
export interface Usd {
  balanceOf(owner: Hex): Promise<bigint>;
  totalSupply(): Promise<bigint>;
  allowance(owner: Hex, spender: Hex): Promise<bigint>;
  /** The test faucet; a real token refuses. */
  mint(to: Hex, amount: bigint): Promise<WriteResult>;
  approve(spender: Hex, amount: bigint): Promise<WriteResult>;
  transfer(to: Hex, amount: bigint): Promise<WriteResult>;
}

const abi = ABIS.testUsd;

export function createUsd({ rpc, writer, address }: { rpc: Rpc; writer: Writer; address: Hex }): Usd {
  const send = (action: string, data: Hex) => writer.send({ to: address, data, action });
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
  };
}
