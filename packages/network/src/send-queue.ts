import { type DepinferError, FRAME_HEADER_BYTES, FrameType } from "@depinfer/protocol";

/** A producer that ignores `drained()` for this many bytes has its exchange failed. */
export const MAX_HELD_BYTES = 16 * 1024 * 1024;

/** A frame that waits. */
export interface HeldFrame {
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

export interface SendQueueModules {
  /** Hands a frame to the link; false when the link is backed up. */
  readonly write: (type: FrameType, payload: Uint8Array) => boolean;
  readonly isLinkFull: () => boolean;
  /** Asks for a call of `onLinkRoom` when the link has room again. */
  readonly waitForLinkRoom: () => void;
}

/**
 * The sending half of an exchange.
 *
 * A DATA frame costs its payload plus its header, so that empty frames are not free. DATA may go out while the credit
 * is positive; the last frame may overdraw it, so that a frame larger than the window still passes. What may not go
 * out yet is held, and everything behind it too, so that order is kept.
 */
export class SendQueue {
  readonly #modules: SendQueueModules;
  #credit: number;
  #held: HeldFrame[] = [];
  #heldBytes = 0;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(modules: SendQueueModules, windowBytes: number) {
    this.#modules = modules;
    this.#credit = windowBytes;
  }

  get isOverfull(): boolean {
    return this.#heldBytes > MAX_HELD_BYTES;
  }

  /** True when DATA would go out at once and the link is not backed up. */
  get hasRoom(): boolean {
    return this.#held.length === 0 && this.#credit > 0 && !this.#modules.isLinkFull();
  }

  /** Sends or holds a frame. False when the producer should wait. */
  send(type: FrameType, payload: Uint8Array): boolean {
    if (this.#held.length > 0 || (type === FrameType.DATA && this.#credit <= 0)) {
      // A copy, for the caller may use its buffer again. Not `slice`, which on a Buffer makes a view.
      this.#held.push({ type, payload: new Uint8Array(payload) });
      this.#heldBytes += payload.length + FRAME_HEADER_BYTES;
      return false;
    }
    return this.#write(type, payload) && this.#credit > 0;
  }

  /** The receiver takes `bytes` more. */
  grant(bytes: number): void {
    this.#credit = Math.min(this.#credit + bytes, Number.MAX_SAFE_INTEGER);
    const held = this.#held;
    let sent = 0;
    for (const frame of held) {
      if (frame.type === FrameType.DATA && this.#credit <= 0) {
        break;
      }
      sent++;
      this.#heldBytes -= frame.payload.length + FRAME_HEADER_BYTES;
      this.#write(frame.type, frame.payload);
    }
    held.splice(0, sent);
    this.onLinkRoom();
  }

  /** Resolves when there is room. */
  drained(): Promise<void> {
    if (this.hasRoom) {
      return Promise.resolve();
    }
    this.#drained ??= Promise.withResolvers<void>();
    if (this.#modules.isLinkFull()) {
      this.#modules.waitForLinkRoom();
    }
    return this.#drained.promise;
  }

  onLinkRoom(): void {
    if (this.#drained === undefined) {
      return;
    }
    if (this.hasRoom) {
      this.#drained.resolve();
      this.#drained = undefined;
    } else if (this.#modules.isLinkFull()) {
      this.#modules.waitForLinkRoom();
    }
  }

  /** Wakes who waits, with the reason; it is asked for only then, because making an error costs more than a frame. */
  close(reason: () => DepinferError): void {
    this.#drained?.reject(reason());
    this.#drained = undefined;
  }

  /** Drops what is held. */
  clear(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  #write(type: FrameType, payload: Uint8Array): boolean {
    if (type === FrameType.DATA) {
      this.#credit -= payload.length + FRAME_HEADER_BYTES;
    }
    return this.#modules.write(type, payload);
  }
}
