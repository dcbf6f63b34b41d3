import type { Hex } from "@depinfer/protocol";
import { encodeFunctionData, parseEventLogs } from "viem";
import { ABIS } from "./abi.ts";
import type { Rpc } from "./rpc.ts";
import { type WriteResult, type Writer, writeResult } from "./writer.ts";

/** Pays buyers of convicted answers what the provider's stake did not cover. Amounts are units of six decimals. */
export interface Insurance {
  readonly address: Hex;
  /** What nobody has a claim to yet. */
  fund(): Promise<bigint>;
  /** What convictions of a provider took for nobody and was not paid out again: no dispute of its is paid more. */
  budgetOf(provider: Hex): Promise<bigint>;
  /** What a dispute's buyer was paid so far. */
  paidOn(disputeId: Hex): Promise<bigint>;
  /** Adds what a conviction took to its provider's budget; `claim` does it too. */
  record(disputeId: Hex): Promise<WriteResult>;
  /** Credits the buyer with what budget and fund allow now; anyone may. */
  claim(disputeId: Hex): Promise<WriteResult & { readonly amount: bigint }>;
  claimable(account: Hex): Promise<bigint>;
  withdraw(to?: Hex): Promise<WriteResult>;
}

const abi = ABIS.refundInsurance;

export function createInsurance({ rpc, writer, address }: { rpc: Rpc; writer: Writer; address: Hex }): Insurance {
  const send = (action: string, data: Hex) => writer.send({ to: address, data, action });
  return {
    address,
    fund: () => rpc.ask("insurance.fund", (client) => client.readContract({ address, abi, functionName: "fund" })),
    budgetOf: (provider) =>
      rpc.ask("insurance.budgetOf", (client) =>
        client.readContract({ address, abi, functionName: "budgetOf", args: [provider] }),
      ),
    paidOn: (disputeId) =>
      rpc.ask("insurance.paidOn", (client) =>
        client.readContract({ address, abi, functionName: "paidOn", args: [disputeId] }),
      ),
    record: (disputeId) =>
      send("insurance.record", encodeFunctionData({ abi, functionName: "record", args: [disputeId] })),
    async claim(disputeId) {
      const data = encodeFunctionData({ abi, functionName: "claim", args: [disputeId] });
      const receipt = await writer.sendForReceipt({ to: address, data, action: "insurance.claim" });
      const [insured] = parseEventLogs({ abi, logs: receipt.logs, eventName: "Insured" });
      return { ...writeResult(receipt), amount: insured?.args.amount ?? 0n };
    },
    claimable: (account) =>
      rpc.ask("insurance.claimable", (client) =>
        client.readContract({ address, abi, functionName: "claimable", args: [account] }),
      ),
    async withdraw(to = writer.account("insurance.withdraw").address) {
      return send("insurance.withdraw", encodeFunctionData({ abi, functionName: "withdraw", args: [to] }));
    },
  };
}
