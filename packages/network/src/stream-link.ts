import {
  type DepinferError,
  decodeError,
  encodeError,
  encodeMessage,
  errorMessage,
  FrameType,
} from "@depinfer/protocol";
import type { Stream } from "@libp2p/interface";
import type { Clock } from "./clock.ts";
import { helloTimeout, linkClosed, NetworkError, protocolViolation } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { ExchangeTable } from "./exchange-table.ts";
import { FrameStream } from "./frame-stream.ts";
import type { ExchangePort, FramedExchange } from "./framed-exchange.ts";
import { Handlers } from "./handlers.ts";
import { Heartbeat } from "./heartbeat.ts";
import { decodeHello, type Hello, negotiateVersion } from "./hello.ts";
import type { Link, TransportName, Unsubscribe } from "./link.ts";

/** How long a link that lost against its twin stays, so that requests opened in the same instant still pass, in ms. */
const RETIRE_GRACE_MS = 2000;

/** Frames that belong to the link and to no exchange. */
const LINK_ID = 0;

export interface StreamLinkModules {
  readonly clock: Clock;
  readonly stream: Stream;
  /** Ends the connection below, for a peer that is dead. */
  readonly abortConnection: (error: Error) => void;
  /** HELLO arrived and a version was agreed. Frames behind it are handled after this returns. */
  readonly onReady: (link: StreamLink) => void;
  readonly onExchange: (exchange: Exchange, link: StreamLink) => void;
  readonly onOffer: (payload: Uint8Array, link: StreamLink) => void;
  /** Called once, also for a link that never got ready. */
  readonly onClosed: (link: StreamLink, reason: DepinferError) => void;
  readonly onProblem: (problem: unknown) => void;
}

export interface StreamLinkOptions {
  readonly peerId: string;
  readonly initiator: boolean;
  readonly transport: TransportName;
  readonly remoteAddress: string;
  readonly hello: Hello;
  readonly helloTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly maxSilentPings: number;
  readonly maxPayloadBytes: number;
  readonly maxExchanges: number;
}

/** A link over one libp2p stream; see `Link` for what it promises. */
export class StreamLink implements Link, ExchangePort {
  readonly peerId: string;
  readonly initiator: boolean;
  readonly transport: TransportName;
  readonly remoteAddress: string;
  readonly maxPayloadBytes: number;
  readonly #modules: StreamLinkModules;
  readonly #options: StreamLinkOptions;
  readonly #frames: FrameStream;
  readonly #exchanges: ExchangeTable;
  readonly #heartbeat: Heartbeat;
  readonly #waitingForRoom = new Set<FramedExchange>();
  readonly #controlHandlers: Handlers<[type: FrameType, payload: Uint8Array]>;
  readonly #helloHandlers: Handlers<[hello: Hello]>;
  readonly #closeHandlers: Handlers<[reason: DepinferError]>;
  #localHello: Hello;
  #remoteHello: Hello | undefined;
  #version = 0;
  #closeReason: DepinferError | undefined;
  #retireAt: number | undefined;
  #stopHelloTimer: () => void = () => {};

  constructor(modules: StreamLinkModules, options: StreamLinkOptions) {
    const { clock, stream } = modules;
    this.#modules = modules;
    this.#options = options;
    this.peerId = options.peerId;
    this.initiator = options.initiator;
    this.transport = options.transport;
    this.remoteAddress = options.remoteAddress;
    this.maxPayloadBytes = options.maxPayloadBytes;
    this.#localHello = options.hello;
    this.#frames = new FrameStream(
      {
        clock,
        stream,
        onFrame: (requestId, type, payload) => this.#onFrame(requestId, type, payload),
        onRoom: () => this.#onRoom(),
        onHeard: () => this.#heartbeat.heard(),
        onBroken: (error) => this.#violated(error),
        onEnd: (reason, cause) => {
          this.#lost(linkClosed(this.peerId, reason, cause));
          this.#frames.close();
        },
      },
      options.maxPayloadBytes,
    );
    this.#controlHandlers = new Handlers(modules.onProblem);
    this.#helloHandlers = new Handlers(modules.onProblem);
    this.#closeHandlers = new Handlers(modules.onProblem);
    this.#exchanges = new ExchangeTable(this, {
      initiator: options.initiator,
      maxRemote: options.maxExchanges,
      now: clock.now,
      onExchange: (exchange) => modules.onExchange(exchange, this),
    });
    this.#heartbeat = new Heartbeat(
      {
        clock,
        send: (type, payload) => this.write(LINK_ID, type, payload),
        onBeat: () => this.#onBeat(),
        onDead: (beats) => this.#onDead(beats),
      },
      { intervalMs: options.pingIntervalMs, maxSilentBeats: options.maxSilentPings },
    );
    this.#stopHelloTimer = clock.after(options.helloTimeoutMs, () => {
      this.#closeWith(helloTimeout(this.peerId, options.helloTimeoutMs));
    });
    this.write(LINK_ID, FrameType.HELLO, encodeMessage(this.#localHello));
  }

  get version(): number {
    return this.#version;
  }

  get remoteHello(): Hello {
    if (this.#remoteHello === undefined) {
      throw protocolViolation(this.peerId, "the link was used before HELLO");
    }
    return this.#remoteHello;
  }

  get rttMs(): number | undefined {
    return this.#heartbeat.rttMs;
  }

  get openExchanges(): number {
    return this.#exchanges.size;
  }

  get bufferedBytes(): number {
    return this.#frames.bufferedBytes;
  }

  get closed(): boolean {
    return this.#closeReason !== undefined;
  }

  /** Why the link closed, once it has. */
  get closeReason(): DepinferError | undefined {
    return this.#closeReason;
  }

  /** Resolves when the last bytes of a closed link were handed to the transport, or could not be. */
  get streamClosed(): Promise<void> {
    return this.#frames.closed;
  }

  get windowBytes(): number {
    return this.#localHello.windowBytes;
  }

  get remoteWindowBytes(): number {
    return this.remoteHello.windowBytes;
  }

  get isFull(): boolean {
    return this.#frames.isFull;
  }

  open(payload: Uint8Array, type: FrameType = FrameType.REQ): Exchange {
    return this.#exchanges.open(type, payload, this.#closeReason);
  }

  sendControl(type: FrameType, payload: Uint8Array): boolean {
    return this.write(LINK_ID, type, payload);
  }

  onControl(handler: (type: FrameType, payload: Uint8Array) => void): Unsubscribe {
    return this.#controlHandlers.add(handler);
  }

  sendHello(changes: Partial<Pick<Hello, "features" | "nonceHead">>): void {
    this.#localHello = { ...this.#localHello, ...changes };
    this.write(LINK_ID, FrameType.HELLO, encodeMessage(this.#localHello));
  }

  onHello(handler: (hello: Hello) => void): Unsubscribe {
    return this.#helloHandlers.add(handler);
  }

  onClose(handler: (reason: DepinferError) => void): Unsubscribe {
    if (this.#closeReason !== undefined) {
      handler(this.#closeReason);
      return () => {};
    }
    return this.#closeHandlers.add(handler);
  }

  close(reason = "closed by this side"): void {
    this.#closeWith(linkClosed(this.peerId, reason));
  }

  /** Closes as soon as nothing is open on it any more, because another link to the same peer stays. */
  retire(): void {
    this.#retireAt ??= this.#modules.clock.now() + RETIRE_GRACE_MS;
  }

  write(requestId: number, type: FrameType, payload: Uint8Array): boolean {
    return this.#frames.write(requestId, type, payload);
  }

  waitForRoom(exchange: FramedExchange): void {
    this.#waitingForRoom.add(exchange);
  }

  exchangeClosed(exchange: FramedExchange): void {
    this.#waitingForRoom.delete(exchange);
    this.#exchanges.closed(exchange);
  }

  handlerFailed(error: unknown): void {
    this.#modules.onProblem(error);
  }

  #onFrame(requestId: number, type: FrameType, payload: Uint8Array): void {
    if (
      this.#remoteHello === undefined &&
      !(requestId === LINK_ID && (type === FrameType.HELLO || type === FrameType.ERR))
    ) {
      this.#violated(protocolViolation(this.peerId, `frame type ${type} before HELLO`, { type }));
      return;
    }
    try {
      if (requestId !== LINK_ID) {
        this.#exchanges.receive(requestId, type, payload);
      } else {
        this.#onControlFrame(type, payload);
      }
    } catch (error) {
      this.#violated(error);
    }
  }

  #onControlFrame(type: FrameType, payload: Uint8Array): void {
    switch (type) {
      case FrameType.HELLO:
        this.#onHelloFrame(payload);
        break;
      case FrameType.PING:
        if (payload.length > 64) {
          throw protocolViolation(this.peerId, `PING of ${payload.length} bytes`);
        }
        this.write(LINK_ID, FrameType.PONG, payload);
        break;
      case FrameType.PONG:
        this.#heartbeat.pong(payload);
        break;
      case FrameType.OFFER:
        this.#modules.onOffer(payload, this);
        break;
      case FrameType.ERR: {
        const error = decodeError(payload);
        const said = error.metadata.reason ?? error.message;
        this.#lost(linkClosed(this.peerId, `the peer says: ${said}`, error));
        this.#frames.close();
        break;
      }
      default:
        this.#controlHandlers.call(type, payload);
    }
  }

  #onHelloFrame(payload: Uint8Array): void {
    const hello = decodeHello(payload);
    if (this.#remoteHello !== undefined) {
      // The window was agreed with the first HELLO: exchanges are counting with it.
      this.#remoteHello = { ...hello, windowBytes: this.#remoteHello.windowBytes };
      this.#helloHandlers.call(this.#remoteHello);
      return;
    }
    this.#version = negotiateVersion(this.peerId, this.#localHello, hello);
    this.#remoteHello = hello;
    this.#stopHelloTimer();
    this.#heartbeat.start();
    this.#modules.onReady(this);
  }

  #onRoom(): void {
    const waiting = [...this.#waitingForRoom];
    this.#waitingForRoom.clear();
    for (const exchange of waiting) {
      exchange.onLinkRoom();
    }
  }

  #onBeat(): void {
    this.#exchanges.sweep();
    const idle = this.#exchanges.size === 0;
    if (this.#retireAt !== undefined && idle && this.#modules.clock.now() >= this.#retireAt) {
      this.close("another link to the same peer replaced it");
    }
  }

  #onDead(silentBeats: number): void {
    const silentMs = silentBeats * this.#options.pingIntervalMs;
    const reason = linkClosed(this.peerId, `no sign of life for about ${silentMs} ms`);
    this.#lost(reason);
    this.#frames.abort(reason);
    this.#modules.abortConnection(reason);
  }

  #violated(error: unknown): void {
    this.#modules.onProblem(error);
    this.#closeWith(error instanceof NetworkError ? error : protocolViolation(this.peerId, errorMessage(error)));
  }

  /** Tells the peer why, then closes. */
  #closeWith(reason: DepinferError): void {
    if (this.#closeReason !== undefined) {
      return;
    }
    this.write(LINK_ID, FrameType.ERR, encodeError(reason));
    this.#lost(reason);
    this.#frames.close();
  }

  /** Ends everything on this side. */
  #lost(reason: DepinferError): void {
    if (this.#closeReason !== undefined) {
      return;
    }
    this.#closeReason = reason;
    this.#stopHelloTimer();
    this.#heartbeat.stop();
    this.#exchanges.loseAll(
      reason.code === "network.linkClosed" ? reason : linkClosed(this.peerId, reason.message, reason),
    );
    this.#waitingForRoom.clear();
    this.#modules.onClosed(this, reason);
    this.#closeHandlers.call(reason);
    this.#closeHandlers.clear();
  }
}
