import { type DepinferError, FrameType } from "@depinfer/protocol";
import { NetworkError, protocolViolation } from "./errors.ts";
import { type ExchangePort, FramedExchange } from "./framed-exchange.ts";

/** How long a completed exchange is remembered for a RECEIPT that is signed after END, in ms. */
const RECEIPT_GRACE_MS = 60_000;

/** Completed exchanges remembered for that at most; the oldest go first. */
const MAX_AWAITING_RECEIPT = 10_000;

const LAST_ID = 0xffff_ffff;

export interface ExchangeTableOptions {
  /** True on the side that opened the link: it allocates odd ids, the other side even ones, so both may open. */
  readonly initiator: boolean;
  /** Exchanges the peer may have open at once. */
  readonly maxRemote: number;
  readonly now: () => number;
  readonly onExchange: (exchange: FramedExchange) => void;
}

/** The exchanges of one link, by id. Ids only ever grow, so a late frame can never reach a newer exchange. */
export class ExchangeTable {
  readonly #exchanges = new Map<number, FramedExchange>();
  readonly #options: ExchangeTableOptions;
  readonly #port: ExchangePort;
  /** Ids of completed exchanges without a receipt, oldest first, and until when they are remembered. */
  readonly #awaitingReceipt = new Map<number, number>();
  #nextId: number;
  #lastRemoteId = 0;
  #open = 0;
  #remoteOpen = 0;

  constructor(port: ExchangePort, options: ExchangeTableOptions) {
    this.#port = port;
    this.#options = options;
    this.#nextId = options.initiator ? 1 : 2;
  }

  /** Exchanges that have not ended. */
  get size(): number {
    return this.#open;
  }

  /** Opens an exchange; with `failure` it is born failed, so that callers have one way to learn of any failure. */
  open(type: FrameType, payload: Uint8Array, failure?: DepinferError): FramedExchange {
    const exchange = new FramedExchange(this.#port, this.#nextId, true, type, payload);
    this.#open++;
    if (failure !== undefined || this.#nextId > LAST_ID) {
      exchange.lose(failure ?? idsExhausted(this.#port.peerId));
      return exchange;
    }
    this.#nextId += 2;
    this.#exchanges.set(exchange.id, exchange);
    this.#port.write(exchange.id, type, payload);
    return exchange;
  }

  /**
   * Gives a frame to its exchange, opening one where the peer asks for it.
   *
   * @throws NetworkError `network.protocolViolation`
   */
  receive(requestId: number, type: FrameType, payload: Uint8Array): void {
    const exchange = this.#exchanges.get(requestId);
    if (exchange !== undefined) {
      exchange.receive(type, payload);
      if (exchange.closed && !exchange.awaitsReceipt) {
        this.#forget(requestId);
      }
      return;
    }
    const remoteParity = this.#options.initiator ? 0 : 1;
    if (requestId % 2 !== remoteParity || requestId <= this.#lastRemoteId) {
      // A frame for an exchange that is over here: the peer did not know that yet when it sent it.
      return;
    }
    if (type !== FrameType.REQ && type !== FrameType.QUERY) {
      throw protocolViolation(this.#port.peerId, `frame type ${type} cannot open an exchange`, { requestId, type });
    }
    this.#lastRemoteId = requestId;
    const opened = new FramedExchange(this.#port, requestId, false, type, payload);
    this.#open++;
    this.#remoteOpen++;
    this.#exchanges.set(requestId, opened);
    if (this.#remoteOpen > this.#options.maxRemote) {
      opened.fail(tooManyExchanges(this.#port.peerId, this.#options.maxRemote));
      return;
    }
    this.#options.onExchange(opened);
  }

  /** An exchange ended; it is forgotten unless its receipt is still to come. */
  closed(exchange: FramedExchange): void {
    this.#open--;
    if (!exchange.initiator) {
      this.#remoteOpen--;
    }
    if (!exchange.awaitsReceipt) {
      this.#forget(exchange.id);
      return;
    }
    this.#awaitingReceipt.set(exchange.id, this.#options.now() + RECEIPT_GRACE_MS);
    if (this.#awaitingReceipt.size > MAX_AWAITING_RECEIPT) {
      this.#forgetOldest();
    }
  }

  /** Forgets completed exchanges whose receipt did not come in time. */
  sweep(): void {
    const now = this.#options.now();
    for (const [requestId, until] of this.#awaitingReceipt) {
      if (until > now) {
        return;
      }
      this.#forget(requestId);
    }
  }

  /** Ends every exchange with `error`. */
  loseAll(error: DepinferError): void {
    const all = [...this.#exchanges.values()];
    this.#awaitingReceipt.clear();
    for (const exchange of all) {
      exchange.lose(error);
    }
    this.#exchanges.clear();
  }

  #forgetOldest(): void {
    for (const requestId of this.#awaitingReceipt.keys()) {
      this.#forget(requestId);
      return;
    }
  }

  #forget(requestId: number): void {
    this.#awaitingReceipt.delete(requestId);
    this.#exchanges.delete(requestId);
  }
}

function tooManyExchanges(peerId: string, maximum: number): NetworkError {
  return new NetworkError({
    code: "network.tooManyExchanges",
    message: `This peer has ${maximum} requests open here already`,
    remedy: "Wait for one of them to end, or use another peer",
    metadata: { peerId, maximum },
    retryable: true,
  });
}

function idsExhausted(peerId: string): NetworkError {
  return new NetworkError({
    code: "network.idsExhausted",
    message: `The link to ${peerId} has used all of its request ids`,
    remedy: "Close the link and dial again",
    metadata: { peerId },
    retryable: true,
  });
}
