import type { Hex } from "@depinfer/protocol";
import { encodeFunctionData } from "viem";
import { ABIS } from "./abi.ts";
import { lowerCase } from "./lower-case.ts";
import type { Rpc } from "./rpc.ts";
import type { WriteResult, Writer } from "./writer.ts";

/** Shares fees among accounts that are fixed for ever. Amounts are units of the token, by default the stable coin. */
export interface Fees {
  readonly address: Hex;
  payees(): Promise<readonly { readonly payee: Hex; readonly basisPoints: number }[]>;
  /** What a payee is owed now; throws for an account that is none. */
  releasable(payee: Hex, token?: Hex): Promise<bigint>;
  /** Sends a payee what it is owed; anyone may. */
  release(payee: Hex, token?: Hex): Promise<WriteResult>;
}

const abi = ABIS.feeSplitter;

export function createFees({
  rpc,
  writer,
  address,
  token: stableCoin,
}: {
  rpc: Rpc;
  writer: Writer;
  address: Hex;
  token: Hex;
}): Fees {
  return {
    address,
    payees: () =>
      rpc.ask("fees.payees", async (client) => {
        const payees = await client.readContract({ address, abi, functionName: "payees" });
        return Promise.all(
          payees.map(async (payee) => {
            const shares = await client.readContract({ address, abi, functionName: "sharesOf", args: [payee] });
            return { payee: lowerCase(payee), basisPoints: Number(shares) };
          }),
        );
      }),
    releasable: (payee, token = stableCoin) =>
      rpc.ask("fees.releasable", (client) =>
        client.readContract({ address, abi, functionName: "releasable", args: [token, payee] }),
      ),
    release: (payee, token = stableCoin) =>
      writer.send({
        to: address,
        data: encodeFunctionData({ abi, functionName: "release", args: [token, payee] }),
        action: "fees.release",
      }),
  };
}
