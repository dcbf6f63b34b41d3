import { FRAME_HEADER_BYTES, FrameType } from "@depinfer/protocol";
import type { HeldFrame } from "./send-queue.ts";

export interface ReceiveQueueModules {
  /** Tells the sender that it may send `bytes` more. */
  readonly grant: (bytes: number) => void;
  /** The consumer's handler threw. */
  readonly onHandlerError: (error: unknown) => void;
  /** Everything held was delivered. */
  readonly onEmpty: () => void;
}

export interface ReceiveQueueOptions {
  /** DATA bytes, headers included, that the sender may be ahead of the consumer. */
  readonly windowBytes: number;
  /** Bytes of other frames held for a consumer that paused. */
  readonly maxHeldBytes: number;
}

/**
 * The receiving half of an exchange: delivers frames in order, holds them while the consumer pauses, and grants the
 * sender what the consumer took, in steps of half a window. At most a window and one frame of DATA are ever held.
 */
export class ReceiveQueue {
  readonly #modules: ReceiveQueueModules;
  readonly #options: ReceiveQueueOptions;
  #handler: ((type: FrameType, payload: Uint8Array) => void) | undefined;
  #paused = false;
  #delivering = false;
  #held: HeldFrame[] = [];
  #heldBytes = 0;
  /** What the sender may still send, and what the consumer took without the sender knowing it yet. */
  #credit: number;
  #ungranted = 0;

  constructor(modules: ReceiveQueueModules, options: ReceiveQueueOptions) {
    this.#modules = modules;
    this.#options = options;
    this.#credit = options.windowBytes;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  onFrame(handler: (type: FrameType, payload: Uint8Array) => void): void {
    this.#handler = handler;
    this.#deliverHeld();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliverHeld();
  }

  clear(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  /** Takes a frame of the sender. Returns what is wrong when the sender may not have sent it. */
  take(type: FrameType, payload: Uint8Array): string | undefined {
    const bytes = payload.length + FRAME_HEADER_BYTES;
    if (type === FrameType.DATA) {
      if (this.#credit <= 0) {
        return "DATA beyond the granted window";
      }
      this.#credit -= bytes;
    }
    if (this.isEmpty && !this.#paused && this.#handler !== undefined) {
      this.#deliver(this.#handler, type, payload);
      return undefined;
    }
    this.#held.push({ type, payload });
    this.#heldBytes += bytes;
    return this.#heldBytes > this.#options.windowBytes + this.#options.maxHeldBytes
      ? "too many frames for a paused exchange"
      : undefined;
  }

  #deliver(handler: (type: FrameType, payload: Uint8Array) => void, type: FrameType, payload: Uint8Array): void {
    try {
      handler(type, payload);
    } catch (error) {
      this.#modules.onHandlerError(error);
    }
    if (type === FrameType.DATA) {
      this.#ungranted += payload.length + FRAME_HEADER_BYTES;
      if (this.#ungranted >= this.#options.windowBytes / 2) {
        this.#credit += this.#ungranted;
        this.#modules.grant(this.#ungranted);
        this.#ungranted = 0;
      }
    }
  }

  #deliverHeld(): void {
    if (this.#delivering) {
      return;
    }
    this.#delivering = true;
    let next = 0;
    while (next < this.#held.length && !this.#paused && this.#handler !== undefined) {
      const frame = this.#held[next++];
      if (frame !== undefined) {
        this.#heldBytes -= frame.payload.length + FRAME_HEADER_BYTES;
        this.#deliver(this.#handler, frame.type, frame.payload);
      }
    }
    this.#held.splice(0, next);
    this.#delivering = false;
    if (this.isEmpty) {
      this.#modules.onEmpty();
    }
  }
}
