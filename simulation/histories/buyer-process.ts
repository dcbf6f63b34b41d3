import { createSigner } from "@depinfer/chain";
import {
  decodeMessage,
  errorCode,
  FrameType,
  fromHex,
  type Hex,
  microUsd,
  signedVoucherSchema,
} from "@depinfer/protocol";
import { type BuyerLedger, createBuyerLedger } from "../../packages/client/src/buyer-ledger.ts";
import { type FinishedRequest, NO_TOKENS, type StoredRequest } from "../../packages/client/src/buyer-rows.ts";
import { type BuyerChannels, createBuyerChannels } from "../../packages/client/src/channels.ts";
import { createVoucherSender, type VoucherSender } from "../../packages/client/src/voucher-sender.ts";
import type { Disk } from "./disk.ts";
import { chainFor, idOf, MIN_DELAY_S } from "./model-chain.ts";
import type { Wire } from "./wire.ts";
import { accountOf, type Life, type World } from "./world.ts";

export const BUYER = accountOf(0xb0);
/** Vouchers are signed with a key of their own, as everywhere. */
export const SESSION = createSigner(`0x${"51".repeat(32)}`);
/** Units of an answer that a buyer pays beyond what it saw of it. */
export const WINDOW = 64n;

/** What the buyer of a history did, counted outside of the process and of its journal. */
export interface BuyerTruth {
  /** What the buyer decided to pay for each request, whether it lived to write it down or not. */
  readonly accepted: Map<Hex, { readonly channelId: Hex; readonly cost: bigint }>;
  /** The highest voucher that left the process, by channel. */
  readonly vouchered: Map<Hex, bigint>;
  /** Rules that were broken on the way. */
  readonly faults: string[];
}

export interface BuyerProcess {
  readonly life: Life;
  readonly ledger: BuyerLedger;
  readonly channels: BuyerChannels;
  readonly sender: VoucherSender;
  /** Comes up as the real one does. */
  start(): Promise<void>;
  request(
    wire: Wire,
    provider: Hex,
    plan: { readonly id: Hex; readonly cost: bigint; readonly end: "answer" | "fail" | "cancel" },
  ): Promise<void>;
  /** Settles what was open with the receipts that the provider holds. */
  reconcile(
    wire: Wire,
    report: (channelId: Hex) => readonly { readonly requestId: Hex; readonly cost: bigint }[],
  ): Promise<void>;
}

export function startBuyer(world: World, disk: Disk, life: Life, truth: BuyerTruth): BuyerProcess {
  const journal = disk.open(life);
  const ledger = createBuyerLedger(journal);
  const chain = chainFor(world, life, BUYER);
  const log = () => undefined;
  const channels = createBuyerChannels(
    { chain, ledger, sessionSigner: SESSION, log },
    { payer: BUYER, channelDeposit: microUsd(1_000), withdrawDelay: MIN_DELAY_S },
  );
  // Vouchers by time are a step of the history, not of a real clock.
  const sender = createVoucherSender(
    { ledger, sign: channels.signVoucher, log },
    { voucherEveryUnits: microUsd(300), voucherEveryMs: 2 ** 30 },
  );
  const underWay = new Set<Hex>();
  checkDurable();

  /** What was announced has to be in the journal that the process comes up with. */
  function checkDurable(): void {
    for (const [id, amount] of truth.vouchered) {
      const owed = ledger.channel(id)?.owed ?? -1n;
      if (owed < amount) {
        truth.faults.push(`a voucher of ${amount} left the buyer, whose journal says ${owed} after a crash`);
      }
    }
  }

  function watched(wire: Wire): Wire {
    return {
      ...wire,
      get closed() {
        return wire.closed || !life.alive;
      },
      sendControl(type, payload) {
        if (!life.alive) {
          return false;
        }
        if (type === FrameType.VOUCHER) {
          const { config, maxClaimableAmount } = decodeMessage(signedVoucherSchema, payload, "VOUCHER");
          const id = idOf(config);
          const counted = countedOn(truth, id);
          if (maxClaimableAmount > counted) {
            truth.faults.push(`a voucher of ${maxClaimableAmount} was signed where ${counted} were counted`);
          }
          truth.vouchered.set(id, maxOf(truth.vouchered.get(id) ?? 0n, maxClaimableAmount));
        }
        return wire.sendControl(type, payload);
      },
    };
  }

  const seen = new WeakMap<Wire, Wire>();
  function link(wire: Wire): Wire {
    const known = seen.get(wire) ?? watched(wire);
    seen.set(wire, known);
    return known;
  }

  async function finish(channelId: Hex, id: Hex, result: Partial<FinishedRequest>): Promise<void> {
    const cost = result.cost ?? microUsd(0n);
    if (cost > 0n) {
      truth.accepted.set(id, { channelId, cost });
    }
    const whole = { state: "done" as const, usage: NO_TOKENS, providerNonce: null, tokens: [], text: "", signed: null };
    await ledger.finish(id, { ...whole, fault: null, reserved: microUsd(0n), cost, ...result });
  }

  async function payOpen(request: StoredRequest, cost: bigint): Promise<void> {
    if (ledger.isOpen(request.id) && !underWay.has(request.id)) {
      underWay.add(request.id);
      try {
        await finish(request.channelId, request.id, {
          cost: microUsd(cost < request.reserved ? cost : request.reserved),
        });
      } finally {
        underWay.delete(request.id);
      }
    }
  }

  return {
    life,
    ledger,
    channels,
    sender,
    async start() {
      await ledger.recover();
      await channels.refresh();
    },
    async request(wire, provider, { id, cost, end }) {
      const most = microUsd(cost + WINDOW);
      const { channel, release } = await channels.reserve(provider, most, null);
      underWay.add(id);
      try {
        await ledger.start({
          id,
          channelId: channel.id,
          provider,
          peerId: "peer",
          model: "words",
          account: "app",
          reserved: most,
          startedAt: 0,
          request: fromHex("0x00", 1),
          pass: null,
        });
        sender.beforeRequest(link(wire), channel);
        try {
          const reply = await wire.request({ requestId: id, channelId: channel.id, cost, most, end });
          if (reply.kind === "error") {
            await finish(channel.id, id, { state: "failed" });
            if (reply.code.startsWith("payment.")) {
              sender.refused(link(wire), channel.id);
              await channels.recheck(channel.id);
            }
            return;
          }
          // Paid by the buyer's own count; of a cancelled answer what was under way is paid too, within its window.
          const paid = end === "cancel" ? minOf(reply.cost, most) : minOf(reply.cost, cost);
          await finish(channel.id, id, { cost: microUsd(paid) });
          sender.afterAnswer(link(wire), channel.id);
        } catch (error) {
          if (errorCode(error) !== "network.linkClosed") {
            throw error;
          }
          await finish(channel.id, id, { state: "broken", reserved: most });
        }
      } finally {
        underWay.delete(id);
        release();
      }
    },
    async reconcile(wire, report) {
      for (const { id } of ledger.channels()) {
        for (const request of ledger.open(id)) {
          const found = report(id).find(({ requestId }) => requestId === request.id);
          if (found !== undefined) {
            await payOpen(request, found.cost);
          } else if (!underWay.has(request.id) && ledger.isOpen(request.id)) {
            await finish(id, request.id, { state: "failed" });
          }
        }
        await sender.show(link(wire), id);
      }
    },
  };
}

/** Units that the buyer accepted on a channel, each request once. */
export function countedOn({ accepted }: BuyerTruth, channelId: Hex): bigint {
  return [...accepted.values()].reduce((sum, one) => (one.channelId === channelId ? sum + one.cost : sum), 0n);
}

const maxOf = (a: bigint, b: bigint) => (a > b ? a : b);
const minOf = (a: bigint, b: bigint) => (a < b ? a : b);
