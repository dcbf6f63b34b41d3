import type { Link } from "@depinfer/network";
import {
  DepinferError,
  decodeMessage,
  errorCode,
  errorMessage,
  FrameType,
  type Log,
  signedVoucherSchema,
} from "@depinfer/protocol";
import type { Payments } from "./payments.ts";

/** What vouchers need of a link. */
export type VoucherLink = Pick<Link, "peerId" | "onControl" | "close">;

/**
 * Vouchers as they come in on links, taken in order. A refused voucher changes nothing; the link stays, since other
 * requests of the same peer are on it, and the reason is told to the next request that lacks the voucher.
 */
export interface VoucherInbox {
  listen(link: VoucherLink): void;
  /** Resolves when every voucher that came on the link before has been looked at. */
  settled(link: VoucherLink): Promise<void>;
  /** Why the last voucher on the link was refused, told once; null when it was taken. */
  takeRefusal(link: VoucherLink): DepinferError | null;
}

/** Vouchers of one link that may wait to be looked at. Each may cost a read of the chain, so a flood ends the link. */
const MOST_WAITING = 1_000;

interface Box {
  turn: Promise<void>;
  waiting: number;
  refusal: DepinferError | null;
}

export function createVoucherInbox({
  payments,
  log,
}: {
  readonly payments: Pick<Payments, "acceptVoucher">;
  readonly log: Log;
}): VoucherInbox {
  const boxes = new WeakMap<VoucherLink, Box>();

  async function take(link: VoucherLink, box: Box, bytes: Uint8Array): Promise<void> {
    try {
      await payments.acceptVoucher(decodeMessage(signedVoucherSchema, bytes, "VOUCHER"));
      box.refusal = null;
    } catch (error) {
      box.refusal = error instanceof DepinferError ? error : null;
      log("warn", `voucher refused: ${errorMessage(error)}`, { peer: link.peerId, code: errorCode(error) });
    } finally {
      box.waiting -= 1;
    }
  }

  return {
    listen(link) {
      const box: Box = { turn: Promise.resolve(), waiting: 0, refusal: null };
      boxes.set(link, box);
      link.onControl((type, payload) => {
        if (type !== FrameType.VOUCHER) {
          return;
        }
        if (box.waiting >= MOST_WAITING) {
          link.close("too many vouchers at once");
          return;
        }
        const bytes = payload.slice();
        box.waiting += 1;
        box.turn = box.turn.then(() => take(link, box, bytes));
      });
    },
    settled: (link) => boxes.get(link)?.turn ?? Promise.resolve(),
    takeRefusal(link) {
      const box = boxes.get(link);
      const refusal = box?.refusal ?? null;
      if (box !== undefined) {
        box.refusal = null;
      }
      return refusal;
    },
  };
}
