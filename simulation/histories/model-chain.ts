import { recoverAddress } from "@depinfer/chain";
import {
  type ChannelConfig,
  channelId,
  DepinferError,
  type DomainBinding,
  type Hex,
  type SignedVoucher,
  voucherDigest,
} from "@depinfer/protocol";
import { type EscrowCalls, escrowCalls, type ModelClaim, ModelRevert } from "./escrow-model.ts";
import { accountOf, type Life, unreachable, type World } from "./world.ts";

export const TOKEN = accountOf(0xee);
export const CHANNELS = accountOf(0xcc);
export const BINDING: DomainBinding = { chainId: 31_337, verifyingContract: CHANNELS };
export const MIN_DELAY_S = 900;

export const idOf = (config: ChannelConfig): Hex => channelId(config, BINDING);
const RULES = { idOf, token: TOKEN, minDelay: MIN_DELAY_S, maxDelay: 2_592_000 };

const DONE = { hash: `0x${"aa".repeat(32)}` as const, gasUsed: 0n, blockNumber: 0n };

/** The chain as one process sees it: every call waits for the schedule, may fail, and may be done without an answer. */
export function chainFor(world: World, life: Life, account: Hex) {
  const { chain } = world;

  function read<T>(look: () => T): Promise<T> {
    return world.gate(life, () => {
      if (chain.away) {
        throw unreachable();
      }
      return look();
    });
  }

  function send<T>(action: string, call: (calls: EscrowCalls, now: number) => T): Promise<T> {
    return world.gate(life, () => {
      if (chain.away) {
        throw unreachable();
      }
      const result = mined(action, () => chain.mine((state) => call(escrowCalls(state, RULES), chain.time)));
      if (chain.loseNextAnswer) {
        chain.loseNextAnswer = false;
        throw unreachable();
      }
      return result;
    });
  }

  const write = async (action: string, call: (calls: EscrowCalls, now: number) => unknown) => {
    await send(action, call);
    return DONE;
  };

  return {
    deployment: { chainId: BINDING.chainId, addresses: { testUsd: TOKEN } },
    usd: {
      balanceOf: (owner: Hex) => read(() => chain.state().tokens.get(owner) ?? 0n),
      allowance: (owner: Hex, _spender: Hex) => read(() => chain.state().allowances.get(owner) ?? 0n),
      approve: (_spender: Hex, amount: bigint) => write("approve", (calls) => calls.approve(account, amount)),
    },
    channels: {
      address: CHANNELS,
      open: (config: ChannelConfig, amount: bigint) => write("open", (calls) => calls.open(account, config, amount)),
      openFromBalance: (config: ChannelConfig, amount: bigint) =>
        write("openFromBalance", (calls) => calls.openFromBalance(account, config, amount)),
      topUp: (config: ChannelConfig, amount: bigint) => write("topUp", (calls) => calls.topUp(account, config, amount)),
      topUpFromBalance: (config: ChannelConfig, amount: bigint) =>
        write("topUpFromBalance", (calls) => calls.topUpFromBalance(account, config, amount)),
      initiateWithdraw: (config: ChannelConfig) =>
        write("initiateWithdraw", (calls, now) => calls.initiateWithdraw(account, config, now)),
      finalizeWithdraw: (config: ChannelConfig) =>
        write("finalizeWithdraw", (calls, now) => calls.finalizeWithdraw(config, now)),
      freeBalance: (payer: Hex) => read(() => chain.state().free.get(payer) ?? 0n),
      withdraw: (amount: bigint, to: Hex = account) =>
        write("withdraw", (calls) => calls.withdraw(account, amount, to)),
      async claimBatch(vouchers: readonly Omit<SignedVoucher, "maxClaimableAmount">[]) {
        await send("claimBatch", (calls) => calls.claimBatch(vouchers.map(asClaim)));
        return { ...DONE, claimed: [], skipped: [] };
      },
      state: (id: Hex) =>
        read(() => {
          const channel = chain.state().channels.get(id);
          return channel === undefined
            ? { status: "none" as const, deposit: 0n, settled: 0n, withdrawAt: undefined }
            : { ...channel, withdrawAt: channel.withdrawAt === 0 ? undefined : channel.withdrawAt };
        }),
    },
    passes: {
      address: accountOf(0xab),
      fund: () => Promise.reject(new Error("histories have no passes")),
      pass: async () => undefined,
      tier: async () => undefined,
    },
    receipts: {
      lastEpoch: async (_provider: Hex) => Number.MAX_SAFE_INTEGER,
      postRoot: () => Promise.reject(new Error("histories post no roots")),
    },
    blockTime: () => read(() => chain.time),
  };
}

function mined<T>(action: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof ModelRevert) {
      throw new DepinferError({
        code: "chain.reverted",
        message: `The contract refused ${action}: ${error.errorName}`,
        remedy: "Read the error's name",
        metadata: { errorName: error.errorName },
      });
    }
    throw error;
  }
}

/** @param amount any cumulative amount. */
function asClaim(voucher: {
  readonly config: ChannelConfig;
  readonly signature: Hex;
  readonly maxClaimableAmount?: bigint;
}): ModelClaim {
  const { config, signature, maxClaimableAmount = 0n } = voucher;
  return { config, maxClaimableAmount, signer: signerOf(idOf(config), maxClaimableAmount, signature) };
}

function signerOf(id: Hex, amount: bigint, signature: Hex): Hex {
  try {
    return recoverAddress(voucherDigest(id, amount, BINDING), signature);
  } catch {
    return accountOf(0);
  }
}
