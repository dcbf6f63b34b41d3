import type { DepinferError, FrameType } from "@depinfer/protocol";

/** How an exchange ended. Every exchange ends exactly once. */
export type ExchangeOutcome =
  /** The responder sent END. Its RECEIPT may still follow through `onFrame`. */
  | { readonly kind: "ended" }
  /** ERR was sent or received, or the link was lost (`network.linkClosed`, retryable). */
  | { readonly kind: "failed"; readonly error: DepinferError }
  | { readonly kind: "cancelled"; readonly by: "local" | "remote"; readonly reason: string };

/**
 * One request and its answer: all frames of one id on a link, in order.
 *
 * The side that opened it may `send` and `cancel`; the other side may `send`, and finishes with `end` or `fail`.
 * DATA is flow controlled per exchange, so that a slow reader holds back nobody but itself.
 */
export interface Exchange {
  /** Id on the wire; unique on its link for the life of the link. */
  readonly id: number;
  /** Peer at the other end. */
  readonly peerId: string;
  /** True on the side that opened the exchange. */
  readonly initiator: boolean;
  /** REQ or QUERY. */
  readonly openingType: FrameType;
  /** Payload of the opening frame. */
  readonly opening: Uint8Array;
  /** True after END, ERR, CANCEL or the loss of the link. */
  readonly closed: boolean;

  /**
   * Sends a frame; the payload is copied. Returns false when the receiver's window or the link is full, or the
   * exchange is closed: wait for `drained()` before sending more DATA. A frame sent anyway is kept and goes out in
   * order, up to a limit (`network.sendBufferFull` fails the exchange). RECEIPT may follow END.
   */
  send(type: FrameType, payload: Uint8Array): boolean;
  /** Resolves when DATA may be sent again. Rejects with the reason once the exchange is closed. */
  drained(): Promise<void>;
  /** Receives frames in order, END and ERR among them. One handler; it must be set in the tick that got the exchange. */
  onFrame(handler: (type: FrameType, payload: Uint8Array) => void): void;
  /** Called exactly once, after the last frame that was received before the end (at once when it has ended). */
  onClose(handler: (outcome: ExchangeOutcome) => void): void;
  /** Holds frames back; the sender stops when the window is full. */
  pause(): void;
  /** Delivers what was held back, then continues. */
  resume(): void;

  /** The last frame of this side. From the responder it completes the exchange. */
  end(payload?: Uint8Array): void;
  /** Responder or initiator: tells the other side what went wrong (ERR) and closes. */
  fail(error: unknown): void;
  /** Tells the other side to stop (CANCEL) and closes. Does nothing on a closed exchange. */
  cancel(reason: string): void;
}
