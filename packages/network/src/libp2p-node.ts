import { type GossipSub, gossipsub, StrictNoSign } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import type { Libp2p } from "@libp2p/interface";
import { type KadDHT, kadDHT, passthroughMapper } from "@libp2p/kad-dht";
import { noise } from "@libp2p/noise";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p, type Libp2pOptions } from "libp2p";
import { abortableQuic } from "./abortable-quic.ts";
import { preferQuic } from "./addresses.ts";
import type { NodeKey } from "./node-key.ts";

/** Our own DHT: peers of the public IPFS network would fill the routing table with nodes that serve no models. */
export const DHT_PROTOCOL = "/depinfer/kad/1";

/**
 * One address of several may take this long, in ms: where UDP is blocked, TCP gets its turn within one dial, and five
 * round trips of a Noise handshake still fit in on a satellite link.
 */
const ADDRESS_DIAL_TIMEOUT_MS = 4000;

/** Loopback with a free port: reachable by nobody else until the operator says so. */
const DEFAULT_LISTEN = ["/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"];

export interface Libp2pNodeOptions {
  readonly listen?: readonly string[];
  readonly announce?: readonly string[];
  readonly software: string;
  readonly maxConnections: number;
  readonly discovery: boolean;
}

/** A libp2p node with what Depinfer needs of it. Not started. */
export interface Libp2pNode {
  readonly node: Libp2p;
  /** Absent where discovery is switched off. */
  readonly dht?: KadDHT;
  readonly gossip?: GossipSub;
}

/**
 * QUIC (TLS 1.3) and TCP with Noise: both prove the Ed25519 key of either end before a byte of ours flows. Nothing
 * unencrypted is configured, so there is nothing to fall back to.
 */
export async function createLibp2pNode(key: NodeKey, options: Libp2pNodeOptions): Promise<Libp2pNode> {
  const listen = [...(options.listen ?? DEFAULT_LISTEN)];
  const base = {
    start: false,
    privateKey: key.libp2pKey,
    nodeInfo: { userAgent: options.software },
    addresses: { listen, announce: [...(options.announce ?? [])] },
    transports: [abortableQuic(), tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: {
      maxConnections: options.maxConnections,
      addressSorter: (a, b) => preferQuic(a.multiaddr, b.multiaddr),
      addressDialTimeout: ADDRESS_DIAL_TIMEOUT_MS,
      // The default of five per second and address would refuse a rack, an office or a test network behind one address.
      inboundConnectionThreshold: 1000,
      maxIncomingPendingConnections: 256,
      // We re-dial kept peers ourselves, with a backoff that does not give up.
      reconnectRetries: 0,
    },
    // Providers at home and networks on one machine are wanted: private addresses may be dialled.
    connectionGater: { denyDialMultiaddr: () => false },
  } satisfies Libp2pOptions;
  if (!options.discovery) {
    return { node: await createLibp2p({ ...base, services: { identify: identify() } }) };
  }
  const node = await createLibp2p({
    ...base,
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol: DHT_PROTOCOL,
        // Without inbound addresses a node cannot answer queries of others.
        clientMode: listen.length === 0,
        // Keeps private and loopback addresses, see above.
        peerInfoMapper: passthroughMapper,
        allowQueryWithZeroPeers: true,
      }),
      gossip: gossipsub({
        allowPublishToZeroTopicPeers: true,
        // An offer carries the signature that matters; equal bytes are one message whoever passes them on.
        globalSignaturePolicy: StrictNoSign,
        // Many nodes behind one address are no offence here; stake, not addresses, makes sybils expensive.
        scoreParams: { IPColocationFactorWeight: 0 },
      }),
    },
  });
  return { node, dht: node.services.dht, gossip: node.services.gossip };
}
