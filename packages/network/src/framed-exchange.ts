import { type DepinferError, decodeError, encodeError, FrameType, utf8 } from "@depinfer/protocol";
import { exchangeClosed, protocolViolation, sendBufferFull } from "./errors.ts";
import type { Exchange, ExchangeOutcome } from "./exchange.ts";
import { ReceiveQueue } from "./receive-queue.ts";
import { MAX_HELD_BYTES, SendQueue } from "./send-queue.ts";

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

/** Text of a CANCEL that is kept. */
const MAX_REASON_BYTES = 512;

/** An exchange on a framed link; see `Exchange` for what it promises. */
export class FramedExchange implements Exchange {
  readonly id: number;
  readonly initiator: boolean;
  readonly openingType: FrameType;
  readonly opening: Uint8Array;
  readonly #port: ExchangePort;
  readonly #sending: SendQueue;
  readonly #receiving: ReceiveQueue;
  #onClose: ((outcome: ExchangeOutcome) => void) | undefined;
  #outcome: ExchangeOutcome | undefined;
  #outcomeTold = false;
  #localEnded = false;
  #receiptSeen = false;

  constructor(port: ExchangePort, id: number, initiator: boolean, openingType: FrameType, opening: Uint8Array) {
    this.#port = port;
    this.id = id;
    this.initiator = initiator;
    this.openingType = openingType;
    this.opening = opening;
    this.#sending = new SendQueue(
      {
        write: (type, payload) => this.#write(type, payload),
        isLinkFull: () => port.isFull,
        waitForLinkRoom: () => port.waitForRoom(this),
      },
      port.remoteWindowBytes,
    );
    this.#receiving = new ReceiveQueue(
      {
        grant: (bytes) => this.#grant(bytes),
        onHandlerError: (error) => {
          port.handlerFailed(error);
          this.fail(error);
        },
        onEmpty: () => this.#tellOutcome(),
      },
      { windowBytes: port.windowBytes, maxHeldBytes: 2 * port.maxPayloadBytes },
    );
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
    const isTrailer = type === FrameType.RECEIPT && !this.initiator && this.#localEnded;
    if (this.#outcome !== undefined) {
      return isTrailer && this.#outcome.kind === "ended" && this.#port.write(this.id, type, payload);
    }
    if (this.#localEnded && !isTrailer) {
      return false;
    }
    const room = this.#sending.send(type, payload);
    if (this.#sending.isOverfull) {
      this.fail(sendBufferFull(this.peerId, MAX_HELD_BYTES));
    }
    return room;
  }

  drained(): Promise<void> {
    return this.#outcome === undefined ? this.#sending.drained() : Promise.reject(this.#closedError(this.#outcome));
  }

  onFrame(handler: (type: FrameType, payload: Uint8Array) => void): void {
    this.#receiving.onFrame(handler);
  }

  onClose(handler: (outcome: ExchangeOutcome) => void): void {
    this.#onClose = handler;
    this.#tellOutcome();
  }

  pause(): void {
    this.#receiving.pause();
  }

  resume(): void {
    this.#receiving.resume();
  }

  end(payload: Uint8Array = NO_BYTES): void {
    if (!this.#localEnded && this.#outcome === undefined) {
      this.#localEnded = true;
      this.#sending.send(FrameType.END, payload);
    }
  }

  fail(error: unknown): void {
    if (this.#outcome === undefined) {
      const payload = encodeError(error);
      this.#port.write(this.id, FrameType.ERR, payload);
      this.#close({ kind: "failed", error: decodeError(payload) });
    }
  }

  cancel(reason: string): void {
    if (this.#outcome === undefined) {
      this.#port.write(this.id, FrameType.CANCEL, utf8(reason).subarray(0, MAX_REASON_BYTES));
      this.#receiving.clear();
      this.#close({ kind: "cancelled", by: "local", reason });
    }
  }

  /**
   * A frame of the other side.
   *
   * @throws NetworkError `network.protocolViolation`
   */
  receive(type: FrameType, payload: Uint8Array): void {
    const isAwaited = this.#outcome === undefined || (type === FrameType.RECEIPT && this.awaitsReceipt);
    if (!isAwaited) {
      return; // It crossed our CANCEL, ERR or END on the way.
    }
    switch (type) {
      case FrameType.CREDIT:
        this.#receiveGrant(payload);
        return;
      case FrameType.CANCEL: {
        const reason = new TextDecoder().decode(payload.subarray(0, MAX_REASON_BYTES));
        this.#receiving.clear();
        this.#close({ kind: "cancelled", by: "remote", reason });
        return;
      }
      case FrameType.RECEIPT:
        this.#receiptSeen = true;
        this.#take(type, payload);
        return;
      case FrameType.ERR:
        this.#take(type, payload);
        this.#close({ kind: "failed", error: decodeError(payload) });
        return;
      case FrameType.END:
        this.#take(type, payload);
        if (this.initiator) {
          this.#close({ kind: "ended" });
        }
        return;
      default:
        this.#take(type, payload);
    }
  }

  /** The link is gone. */
  lose(error: DepinferError): void {
    this.#close({ kind: "failed", error });
  }

  onLinkRoom(): void {
    this.#sending.onLinkRoom();
  }

  #write(type: FrameType, payload: Uint8Array): boolean {
    const room = this.#port.write(this.id, type, payload);
    if (type === FrameType.END && !this.initiator) {
      this.#close({ kind: "ended" });
    }
    return room;
  }

  #take(type: FrameType, payload: Uint8Array): void {
    const fault = this.#receiving.take(type, payload);
    if (fault !== undefined) {
      throw protocolViolation(this.peerId, fault, { requestId: this.id });
    }
  }

  #grant(bytes: number): void {
    if (this.#outcome === undefined) {
      const payload = new Uint8Array(4);
      new DataView(payload.buffer).setUint32(0, bytes);
      this.#port.write(this.id, FrameType.CREDIT, payload);
    }
  }

  #receiveGrant(payload: Uint8Array): void {
    if (payload.length !== 4) {
      throw protocolViolation(this.peerId, `CREDIT of ${payload.length} bytes instead of 4`);
    }
    this.#sending.grant(new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0));
  }

  #close(outcome: ExchangeOutcome): void {
    if (this.#outcome !== undefined) {
      return;
    }
    this.#outcome = outcome;
    if (outcome.kind !== "ended") {
      this.#sending.clear();
    }
    this.#sending.close(() => this.#closedError(outcome));
    this.#port.exchangeClosed(this);
    this.#tellOutcome();
  }

  /** The end is told after everything that came before it was delivered. */
  #tellOutcome(): void {
    const outcome = this.#outcome;
    if (outcome === undefined || this.#outcomeTold || this.#onClose === undefined || !this.#receiving.isEmpty) {
      return;
    }
    this.#outcomeTold = true;
    try {
      this.#onClose(outcome);
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
