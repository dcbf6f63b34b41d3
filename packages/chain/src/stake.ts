import type { Hex } from "@depinfer/protocol";
import { encodeFunctionData } from "viem";
import { ABIS } from "./abi.ts";
import type { Rpc } from "./rpc.ts";
import type { WriteResult, Writer } from "./writer.ts";

export interface StakeState {
  /** Everything bonded, including what is on its way out. */
  readonly amount: bigint;
  /** Stake that backs work now. */
  readonly active: bigint;
  readonly slots: number;
  /** Slots that the active stake covers in full. */
  readonly coveredSlots: number;
  readonly unbonding: bigint;
  /** Unix second from which `unbonding` can be taken; undefined while nothing is on its way. */
  readonly unbondingAt: number | undefined;
  /** Open disputes; stake leaves only when there are none. */
  readonly locks: number;
}

/** Collateral per slot. Amounts are units of six decimals; approve the contract before bonding. */
export interface StakeVault {
  readonly address: Hex;
  /** Adds collateral and slots to the account, or collateral alone to another operator. */
  bond(bond: { readonly slots: number; readonly amount: bigint; readonly operator?: Hex }): Promise<WriteResult>;
  requestUnbond(request: { readonly slots: number; readonly amount: bigint }): Promise<WriteResult>;
  cancelUnbond(): Promise<WriteResult>;
  finalizeUnbond(to?: Hex): Promise<WriteResult>;
  of(operator: Hex): Promise<StakeState>;
  minPerSlot(): Promise<bigint>;
  /** Seconds between asking for stake back and taking it. */
  unbondDelay(): Promise<number>;
  /** What slashes credited to an account. The zero address stands for a sink that nobody can empty. */
  claimable(account: Hex): Promise<bigint>;
  withdrawClaimable(to?: Hex): Promise<WriteResult>;
  /** Receives what a slash pays to nobody else. */
  sink(): Promise<Hex>;
}

const abi = ABIS.stakeVault;

export function createStakeVault({ rpc, writer, address }: { rpc: Rpc; writer: Writer; address: Hex }): StakeVault {
  const send = (action: string, data: Hex) => writer.send({ to: address, data, action });

  return {
    address,
    async bond({ slots, amount, operator = writer.account("stake.bond").address }) {
      return send("stake.bond", encodeFunctionData({ abi, functionName: "bond", args: [operator, slots, amount] }));
    },
    requestUnbond: ({ slots, amount }) =>
      send("stake.requestUnbond", encodeFunctionData({ abi, functionName: "requestUnbond", args: [slots, amount] })),
    cancelUnbond: () => send("stake.cancelUnbond", encodeFunctionData({ abi, functionName: "cancelUnbond" })),
    async finalizeUnbond(to = writer.account("stake.finalizeUnbond").address) {
      return send("stake.finalizeUnbond", encodeFunctionData({ abi, functionName: "finalizeUnbond", args: [to] }));
    },
    async of(operator) {
      const [stake, covered] = await rpc.ask("stake.of", async (client) => {
        const blockNumber = await client.getBlockNumber();
        const args = [operator] as const;
        return Promise.all([
          client.readContract({ address, abi, functionName: "stakeOf", args, blockNumber }),
          client.readContract({ address, abi, functionName: "coveredSlots", args, blockNumber }),
        ]);
      });
      return {
        amount: stake.amount,
        active: stake.amount - stake.unbonding,
        slots: stake.slots,
        coveredSlots: Number(covered),
        unbonding: stake.unbonding,
        unbondingAt: stake.unbondingAt === 0 ? undefined : stake.unbondingAt,
        locks: stake.locks,
      };
    },
    claimable: (account) =>
      rpc.ask("stake.claimable", (client) =>
        client.readContract({ address, abi, functionName: "claimable", args: [account] }),
      ),
    async withdrawClaimable(to = writer.account("stake.withdrawClaimable").address) {
      return send(
        "stake.withdrawClaimable",
        encodeFunctionData({ abi, functionName: "withdrawClaimable", args: [to] }),
      );
    },
    sink: () => rpc.ask("stake.sink", (client) => client.readContract({ address, abi, functionName: "SINK" })),
    unbondDelay: () =>
      rpc.ask("stake.unbondDelay", async (client) =>
        Number(await client.readContract({ address, abi, functionName: "UNBOND_DELAY" })),
      ),
    minPerSlot: () =>
      rpc.ask("stake.minPerSlot", (client) => client.readContract({ address, abi, functionName: "MIN_PER_SLOT" })),
  };
}
