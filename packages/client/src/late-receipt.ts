import type { Link } from "@depinfer/network";
import { decodeMessage, FrameType, type Hex, type SignedReceipt, signedReceiptSchema } from "@depinfer/protocol";

/** Time for a receipt to follow a cancelled request. */
const LATE_RECEIPT_MS = 2_000;

/** After CANCEL the exchange is over on both sides, and the receipt comes on the link itself. */
export interface LateReceipt {
  /** The receipt, or null when none comes in time or the link is lost. */
  wait(): Promise<SignedReceipt | null>;
  stop(): void;
}

/** Listens from now on, since the receipt may come before anyone waits for it. */
export function lateReceipt(link: Link, requestId: Hex): LateReceipt {
  let found: SignedReceipt | null = null;
  let notify: () => void = () => undefined;
  const unsubscribe = link.onControl((type, payload) => {
    if (type === FrameType.RECEIPT && found === null) {
      const signed = decodeMessage(signedReceiptSchema, payload, "RECEIPT");
      if (signed.receipt.requestId === requestId) {
        found = signed;
        notify();
      }
    }
  });
  return {
    wait: () =>
      new Promise((resolve) => {
        const timer = setTimeout(end, LATE_RECEIPT_MS);
        const forget = link.onClose(end);
        function end(): void {
          clearTimeout(timer);
          queueMicrotask(() => forget());
          resolve(found);
        }
        notify = end;
        if (found !== null) {
          end();
        }
      }),
    stop: unsubscribe,
  };
}
