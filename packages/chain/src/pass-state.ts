import type { ChannelConfig, Hex } from "@depinfer/protocol";
import { ABIS } from "./abi.ts";
import { lowerCase } from "./lower-case.ts";
import type { Rpc } from "./rpc.ts";

/** A channel of a pass that was not reclaimed yet. */
export interface PassChannel {
  readonly config: ChannelConfig;
  /** What the pass put in. */
  readonly funded: bigint;
}

/** One pass. Amounts are units of six decimals, times Unix seconds. */
export interface Pass {
  readonly id: bigint;
  readonly holder: Hex;
  readonly tier: bigint;
  readonly start: number;
  readonly end: number;
  /** For the present term, fee included; zero once it is settled. */
  readonly paid: bigint;
  /** Part of `paid` that is the fee, or goes back with what is refunded. */
  readonly feeReserve: bigint;
  /** Can be put into channels. */
  readonly balance: bigint;
  /** Was put into channels that are not reclaimed yet. */
  readonly drawn: bigint;
  /** The zero address where there is none. */
  readonly operator: Hex;
  readonly signer: Hex;
  /** Unix second at which its time was stopped by `cancel` or `expire`; undefined before. */
  readonly endedAt: number | undefined;
  readonly status: "active" | "expired" | "cancelled" | "settled";
  readonly channels: readonly PassChannel[];
  /** If it were cancelled now; what comes back of its channels can add to it. */
  readonly refundable: bigint;
}

const abi = ABIS.passes;

/** A pass as of the newest block or of `atBlock`; undefined if there is none of this id. */
export async function readPass(
  { rpc, address }: { readonly rpc: Rpc; readonly address: Hex },
  id: bigint,
  atBlock?: bigint,
): Promise<Pass | undefined> {
  const { pass, refundable, now, channels } = await rpc.ask("passes.pass", async (client) => {
    const block = await client.getBlock(atBlock === undefined ? {} : { blockNumber: atBlock });
    const read = { address, abi, args: [id], blockNumber: block.number } as const;
    const [entry, refund, list] = await Promise.all([
      client.readContract({ ...read, functionName: "passOf" }),
      client.readContract({ ...read, functionName: "refundable" }),
      client.readContract({ ...read, functionName: "channelsOf" }),
    ]);
    return { pass: entry, refundable: refund, now: Number(block.timestamp), channels: list };
  });
  if (pass.end === 0) {
    return undefined;
  }
  return {
    id,
    holder: lowerCase(pass.holder),
    tier: pass.tier,
    start: pass.start,
    end: pass.end,
    paid: pass.net + pass.fee,
    feeReserve: pass.fee,
    balance: pass.balance,
    drawn: pass.drawn,
    operator: lowerCase(pass.operator),
    signer: lowerCase(pass.signer),
    endedAt: pass.endedAt === 0 ? undefined : pass.endedAt,
    status: statusOf(pass, now),
    channels: channels.map(({ config, funded }) => ({ config: lowerConfig(config), funded })),
    refundable,
  };
}

/** A config as viem decodes it, with addresses in lower case. */
function lowerConfig(config: ChannelConfig): ChannelConfig {
  return {
    ...config,
    payer: lowerCase(config.payer),
    payerAuthorizer: lowerCase(config.payerAuthorizer),
    receiver: lowerCase(config.receiver),
    receiverAuthorizer: lowerCase(config.receiverAuthorizer),
    token: lowerCase(config.token),
  };
}

function statusOf(
  { settled, end, endedAt }: { readonly settled: boolean; readonly end: number; readonly endedAt: number },
  now: number,
): Pass["status"] {
  if (settled) {
    return "settled";
  }
  if (endedAt !== 0 && endedAt < end) {
    return "cancelled";
  }
  return endedAt !== 0 || now >= end ? "expired" : "active";
}
