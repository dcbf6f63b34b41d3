import { type DepinferError, decodeError, encodeError, FRAME_HEADER_BYTES, FrameType, utf8 } from "@depinfer/protocol";
import { exchangeClosed, NetworkError, protocolViolation } from "./errors.ts";
import type { Exchange, ExchangeOutcome } from "./exchange.ts";

/** What an exchange needs of its link. */
export interface ExchangePort {
  readonly peerId: string;
  /** DATA bytes that this side takes per exchange ahead of its consumer. */
  readonly windowBytes: number;
  /** The same of the other side. */
  readonly remoteWindowBytes: number;
  readonly maxPayloadBytes: number;
  readonly isFull: boolean;
  write(requestId: number, type: FrameType, payload: Uint8Array): boolean;
  /** `onLinkRoom` is to be called when the link has room again. */
  waitForRoom(exchange: FramedExchange): void;
  /** The exchange ended. */
  exchangeClosed(exchange: FramedExchange): void;
  /** A handler of this side threw. */
  handlerFailed(error: unknown): void;
}

/** A producer that ignores `drained()` for this many bytes has its exchange failed. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/** Text of a CANCEL that is kept. */
const MAX_REASON_BYTES = 512;

interface HeldFrame {
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

/*
 * Flow control. A DATA frame costs its payload plus its header, so that empty frames are not free. The sender may send
 * while its credit is positive; the last frame may overdraw it, so a frame larger than the window still passes. The
 * receiver grants (CREDIT, u32) what its consumer took, in steps of half a window. At most one window and one frame
 * are ever held for a consumer that paused.
 */

/** An exchange on a framed link; see `Exchange` for what it promises. */
export class FramedExchange implements Exchange {
  readonly id: number;
  readonly initiator: boolean;
  readonly openingType: FrameType;
  readonly opening: Uint8Array;
  readonly #port: ExchangePort;

  #outcome: ExchangeOutcome | undefined;
  #outcomeTold = false;
  #onFrame: ((type: FrameType, payload: Uint8Array) => void) | undefined;
  #onClose: ((outcome: ExchangeOutcome) => void) | undefined;

  #sendCredit: number;
  #localEnded = false;
  #outbox: HeldFrame[] = [];
  #outboxBytes = 0;
  #drained: PromiseWithResolvers<void> | undefined;

  #paused = false;
  #delivering = false;
  #inbox: HeldFrame[] = [];
  #inboxBytes = 0;
  /** What the sender may still send, and what the consumer took without the sender knowing it yet. */
  #receiveCredit: number;
  #ungranted = 0;
  #receiptSeen = false;

  constructor(port: ExchangePort, id: number, initiator: boolean, openingType: FrameType, opening: Uint8Array) {
    this.#port = port;
    this.id = id;
    this.initiator = initiator;
    this.openingType = openingType;
    this.opening = opening;
    this.#sendCredit = port.remoteWindowBytes;
    this.#receiveCredit = port.windowBytes;
  }

  get peerId(): string {
    return this.#port.peerId;
  }

  get closed(): boolean {
    return this.#outcome !== undefined;
  }

  /** True while the answer is complete but its receipt is still to come. */
  get awaitsReceipt(): boolean {
    return (
      this.initiator && this.openingType === FrameType.REQ && this.#outcome?.kind === "ended" && !this.#receiptSeen
    );
  }

  send(type: FrameType, payload: Uint8Array): boolean {
    const trailing = type === FrameType.RECEIPT && !this.initiator && this.#localEnded;
    if (this.#outcome !== undefined) {
      return trailing && this.#outcome.kind === "ended" && this.#port.write(this.id, type, payload);
    }
    if (this.#localEnded && !trailing) {
      return false;
    }
    if (this.#outbox.length > 0 || (type === FrameType.DATA && this.#sendCredit <= 0)) {
      this.#hold(type, payload);
      return false;
    }
    return this.#write(type, payload) && this.#sendCredit > 0;
  }

  drained(): Promise<void> {
    if (this.#outcome !== undefined) {
      return Promise.reject(this.#closedError(this.#outcome));
    }
    if (this.#hasRoom()) {
      return Promise.resolve();
    }
    this.#drained ??= Promise.withResolvers<void>();
    if (this.#port.isFull) {
      this.#port.waitForRoom(this);
    }
    return this.#drained.promise;
  }

  onFrame(handler: (type: FrameType, payload: Uint8Array) => void): void {
    this.#onFrame = handler;
    this.#deliverHeld();
  }

  onClose(handler: (outcome: ExchangeOutcome) => void): void {
    this.#onClose = handler;
    this.#tellOutcome();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliverHeld();
  }

  end(payload: Uint8Array = NO_BYTES): void {
    if (this.#localEnded || this.#outcome !== undefined) {
      return;
    }
    this.#localEnded = true;
    if (this.#outbox.length > 0) {
      this.#hold(FrameType.END, payload);
    } else {
      this.#write(FrameType.END, payload);
    }
  }

  fail(error: unknown): void {
    if (this.#outcome !== undefined) {
      return;
    }
    const payload = encodeError(error);
    this.#port.write(this.id, FrameType.ERR, payload);
    this.#close({ kind: "failed", error: decodeError(payload) });
  }

  cancel(reason: string): void {
    if (this.#outcome !== undefined) {
      return;
    }
    this.#port.write(this.id, FrameType.CANCEL, utf8(reason).subarray(0, MAX_REASON_BYTES));
    this.#inbox = [];
    this.#close({ kind: "cancelled", by: "local", reason });
  }

  /**
   * A frame of the other side.
   *
   * @throws NetworkError `network.protocolViolation`
   */
  receive(type: FrameType, payload: Uint8Array): void {
    const awaited = this.#outcome === undefined || (type === FrameType.RECEIPT && this.awaitsReceipt);
    if (!awaited) {
      // It crossed our CANCEL, ERR or END on the way.
      return;
    }
    if (type === FrameType.RECEIPT) {
      this.#receiptSeen = true;
    }
    if (type === FrameType.CREDIT) {
      this.#receiveGrant(payload);
    } else if (type === FrameType.CANCEL) {
      this.#inbox = [];
      const reason = new TextDecoder().decode(payload.subarray(0, MAX_REASON_BYTES));
      this.#close({ kind: "cancelled", by: "remote", reason });
    } else {
      this.#take(type, payload);
      if (type === FrameType.ERR) {
        this.#close({ kind: "failed", error: decodeError(payload) });
      } else if (type === FrameType.END && this.initiator) {
        this.#close({ kind: "ended" });
      }
    }
  }

  /** The link is gone. */
  lose(error: DepinferError): void {
    this.#close({ kind: "failed", error });
  }

  onLinkRoom(): void {
    this.#resolveDrained();
  }

  #write(type: FrameType, payload: Uint8Array): boolean {
    if (type === FrameType.DATA) {
      this.#sendCredit -= payload.length + FRAME_HEADER_BYTES;
    }
    const room = this.#port.write(this.id, type, payload);
    if (type === FrameType.END && !this.initiator) {
      this.#close({ kind: "ended" });
    }
    return room;
  }

  #hold(type: FrameType, payload: Uint8Array): void {
    this.#outboxBytes += payload.length + FRAME_HEADER_BYTES;
    if (this.#outboxBytes > MAX_HELD_BYTES) {
      this.fail(
        new NetworkError({
          code: "network.sendBufferFull",
          message: `More than ${MAX_HELD_BYTES} bytes wait for a peer that does not read`,
          remedy: "Stop sending when send() returns false and await drained()",
          metadata: { peerId: this.peerId, maximum: MAX_HELD_BYTES },
        }),
      );
      return;
    }
    // Not `slice`, which on a Buffer makes a view.
    this.#outbox.push({ type, payload: new Uint8Array(payload) });
  }

  #receiveGrant(payload: Uint8Array): void {
    if (payload.length !== 4) {
      throw protocolViolation(this.peerId, `CREDIT of ${payload.length} bytes instead of 4`);
    }
    const granted = new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0);
    this.#sendCredit = Math.min(this.#sendCredit + granted, Number.MAX_SAFE_INTEGER);
    let sent = 0;
    for (const frame of this.#outbox) {
      if (frame.type === FrameType.DATA && this.#sendCredit <= 0) {
        break;
      }
      sent++;
      this.#outboxBytes -= frame.payload.length + FRAME_HEADER_BYTES;
      this.#write(frame.type, frame.payload);
    }
    // `#write` of END closes the exchange, which empties the outbox; frames behind it (RECEIPT) were written by then.
    this.#outbox.splice(0, sent);
    this.#resolveDrained();
  }

  #take(type: FrameType, payload: Uint8Array): void {
    if (type === FrameType.DATA) {
      if (this.#receiveCredit <= 0) {
        throw protocolViolation(this.peerId, "DATA beyond the granted window", { requestId: this.id });
      }
      this.#receiveCredit -= payload.length + FRAME_HEADER_BYTES;
    }
    if (this.#inbox.length === 0 && !this.#paused && this.#onFrame !== undefined) {
      this.#deliver(type, payload);
      return;
    }
    this.#inboxBytes += payload.length + FRAME_HEADER_BYTES;
    if (this.#inboxBytes > this.#port.windowBytes + 2 * this.#port.maxPayloadBytes) {
      throw protocolViolation(this.peerId, "too many frames for a paused exchange", { requestId: this.id });
    }
    this.#inbox.push({ type, payload });
  }

  #deliver(type: FrameType, payload: Uint8Array): void {
    try {
      this.#onFrame?.(type, payload);
    } catch (error) {
      this.#port.handlerFailed(error);
      this.fail(error);
    }
    if (type === FrameType.DATA && this.#outcome === undefined) {
      this.#ungranted += payload.length + FRAME_HEADER_BYTES;
      if (this.#ungranted >= this.#port.windowBytes / 2) {
        this.#grant();
      }
    }
  }

  #grant(): void {
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, this.#ungranted);
    this.#receiveCredit += this.#ungranted;
    this.#ungranted = 0;
    this.#port.write(this.id, FrameType.CREDIT, payload);
  }

  #deliverHeld(): void {
    if (this.#delivering) {
      return;
    }
    this.#delivering = true;
    let next = 0;
    while (next < this.#inbox.length && !this.#paused && this.#onFrame !== undefined) {
      const frame = this.#inbox[next++];
      if (frame !== undefined) {
        this.#inboxBytes -= frame.payload.length + FRAME_HEADER_BYTES;
        this.#deliver(frame.type, frame.payload);
      }
    }
    this.#inbox.splice(0, next);
    this.#delivering = false;
    this.#tellOutcome();
  }

  #hasRoom(): boolean {
    return this.#outbox.length === 0 && this.#sendCredit > 0 && !this.#port.isFull;
  }

  #resolveDrained(): void {
    if (this.#drained === undefined || this.#outcome !== undefined) {
      return;
    }
    if (this.#hasRoom()) {
      this.#drained.resolve();
      this.#drained = undefined;
    } else if (this.#port.isFull) {
      this.#port.waitForRoom(this);
    }
  }

  #close(outcome: ExchangeOutcome): void {
    if (this.#outcome !== undefined) {
      return;
    }
    this.#outcome = outcome;
    if (outcome.kind !== "ended") {
      this.#outbox = [];
    }
    this.#drained?.reject(this.#closedError(outcome));
    this.#drained = undefined;
    this.#port.exchangeClosed(this);
    this.#tellOutcome();
  }

  /** The end is told after everything that came before it was delivered. */
  #tellOutcome(): void {
    if (this.#outcome === undefined || this.#outcomeTold || this.#onClose === undefined || this.#inbox.length > 0) {
      return;
    }
    this.#outcomeTold = true;
    try {
      this.#onClose(this.#outcome);
    } catch (error) {
      this.#port.handlerFailed(error);
    }
  }

  #closedError(outcome: ExchangeOutcome): DepinferError {
    switch (outcome.kind) {
      case "ended":
        return exchangeClosed(this.peerId, "the answer is complete");
      case "cancelled":
        return exchangeClosed(this.peerId, `cancelled by the ${outcome.by} side: ${outcome.reason}`);
      case "failed":
        return outcome.error;
    }
  }
}

const NO_BYTES = new Uint8Array(0);
