import type { Hex } from "@depinfer/protocol";
import { multicall3StandInBytecode } from "./bytecode/Multicall3StandIn.ts";
import { x402BatchSettlementStandInBytecode } from "./bytecode/X402BatchSettlementStandIn.ts";
import { x402DepositCollectorStandInBytecode } from "./bytecode/X402DepositCollectorStandIn.ts";
import { createRpc } from "./rpc.ts";

/** The contract of x402's `batch-settlement` scheme: one address on every chain that has it. */
export const X402_BATCH_CONTRACT: Hex = "0x4020074e9df2ce1dee5a9c1b5c3f541d02a10003";

/** Where x402's own contracts and Multicall3 lie on every public chain that has them. */
const STAND_INS: readonly { readonly address: Hex; readonly creation: Hex }[] = [
  { address: X402_BATCH_CONTRACT, creation: x402BatchSettlementStandInBytecode },
  { address: "0x4020806089470a89826cb9fb1f4059150b550004", creation: x402DepositCollectorStandInBytecode },
  { address: "0xca11bde05977b3631167028862be2a173976ca11", creation: multicall3StandInBytecode },
];

/**
 * Puts STAND-INS for the contracts that x402's `batch-settlement` expects on a local development chain, where there is
 * nothing yet. They are not those contracts: they only let the scheme's clients be tried.
 *
 * @throws ChainError when the chain is no development chain of ours (anvil).
 */
export async function placeX402StandIns(rpcUrl: string): Promise<void> {
  const rpc = createRpc(rpcUrl);
  for (const { address, creation } of STAND_INS) {
    await rpc.ask("placeX402StandIns", async (client) => {
      const code = await client.getCode({ address });
      if (code === undefined || code === "0x") {
        // A call that creates returns the code that the contract would have.
        const { data: runtime = "0x" } = await client.call({ data: creation });
        await client.request<{ Method: string; Parameters: readonly [Hex, Hex]; ReturnType: unknown }>({
          method: "anvil_setCode",
          params: [address, runtime],
        });
      }
    });
  }
}
