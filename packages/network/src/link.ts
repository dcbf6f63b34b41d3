import type { DepinferError, FrameType } from "@depinfer/protocol";
import type { Exchange } from "./exchange.ts";
import type { Hello } from "./hello.ts";

/** Takes a handler away again. */
export type Unsubscribe = () => void;

export type TransportName = "quic" | "tcp" | "websocket" | "webrtc" | "relay";

/** The one long-lived stream to a peer. It exists only after both sides said HELLO and agreed on a version. */
export interface Link {
  /** libp2p id of the peer, proven by the handshake. */
  readonly peerId: string;
  /** True when this side opened the link. */
  readonly initiator: boolean;
  readonly transport: TransportName;
  /** Multiaddr of the other end as this side sees it. */
  readonly remoteAddress: string;
  /** Protocol version that both sides speak. */
  readonly version: number;
  /** The peer's latest HELLO. */
  readonly remoteHello: Hello;
  /** Smoothed round trip in ms; undefined until the first PONG. */
  readonly rttMs: number | undefined;
  /** Exchanges that have not ended. */
  readonly openExchanges: number;
  /** Bytes accepted from this side and not yet taken by the transport. */
  readonly bufferedBytes: number;
  readonly closed: boolean;

  /** Opens an exchange with a REQ (or QUERY) frame. On a closed link the exchange fails at once, it does not throw. */
  open(payload: Uint8Array, type?: FrameType): Exchange;
  /** Sends a frame that belongs to no exchange: VOUCHER, RECEIPT, OFFER. False when the link is backed up. */
  sendControl(type: FrameType, payload: Uint8Array): boolean;
  /** Receives control frames that the link does not handle itself (it handles HELLO, PING, PONG and OFFER). */
  onControl(handler: (type: FrameType, payload: Uint8Array) => void): Unsubscribe;
  /** Sends HELLO again with these fields changed. */
  sendHello(changes: Partial<Pick<Hello, "features" | "nonceHead">>): void;
  /** The peer sent HELLO again. */
  onHello(handler: (hello: Hello) => void): Unsubscribe;
  /** Called once with the reason; at once when the link is closed already. */
  onClose(handler: (reason: DepinferError) => void): Unsubscribe;
  /** Sends what is queued and closes. Open exchanges end with `network.linkClosed`. */
  close(reason?: string): void;
}
