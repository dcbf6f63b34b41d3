import { setTimeout as sleep } from "node:timers/promises";
import { quic } from "@chainsafe/libp2p-quic";
import { encodeFrame, encodeMessage, FrameDecoder, FrameType } from "@depinfer/protocol";
import type { Stream } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { LINK_PROTOCOL } from "../connector.ts";
import type { Host } from "../index.ts";

export interface RawFrame {
  readonly id: number;
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

/** A peer that authenticates like any other and then sends whatever bytes a test likes. */
export interface RawPeer {
  readonly peerId: string;
  readonly received: readonly RawFrame[];
  /** True when the host ended or reset the stream. */
  readonly ended: boolean;
  send(bytes: Uint8Array): void;
  frame(id: number, type: number, payload?: Uint8Array): void;
  /** Sends a well-formed HELLO, so that what follows is what is tested. */
  hello(changes?: Record<string, unknown>): void;
  /** Ends our side of the stream after what was sent. */
  end(): Promise<void>;
  stop(): Promise<void>;
}

export const RAW_HELLO = {
  versions: [1],
  features: [],
  software: "raw/1",
  role: "test",
  windowBytes: 64 * 1024,
  instance: "raw-peer-instance",
};

export async function connectRawPeer(host: Host): Promise<RawPeer> {
  const node = await createLibp2p({
    transports: [quic(), tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  });
  const connection = await node.dial(host.addresses.map((address) => multiaddr(address)));
  const stream: Stream = await connection.newStream(LINK_PROTOCOL);
  const received: RawFrame[] = [];
  const decoder = new FrameDecoder();
  let ended = false;
  stream.addEventListener("message", (event) => {
    decoder.push(event.data.subarray(), (id, type, payload) => received.push({ id, type, payload }));
  });
  for (const end of ["remoteCloseWrite", "close"] as const) {
    stream.addEventListener(end, () => {
      ended = true;
    });
  }
  const send = (bytes: Uint8Array): void => {
    stream.send(bytes);
  };
  const frame = (id: number, type: number, payload?: Uint8Array): void => send(encodeFrame(id, type, payload));
  return {
    peerId: node.peerId.toString(),
    received,
    get ended() {
      return ended;
    },
    send,
    frame,
    hello: (changes = {}) => frame(0, FrameType.HELLO, encodeMessage({ ...RAW_HELLO, ...changes })),
    async end() {
      await stream.close({ signal: AbortSignal.timeout(2000) });
    },
    async stop() {
      await Promise.race([node.stop(), sleep(2000)]);
    },
  };
}
