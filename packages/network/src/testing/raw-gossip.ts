import { setTimeout as sleep } from "node:timers/promises";
import { gossipsub, StrictNoSign } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { OFFER_TOPIC } from "../discovery.ts";
import type { Host } from "../index.ts";
import { until } from "./hosts.ts";

/** A peer that gossips whatever a test likes. */
export interface RawGossip {
  publish(topic: string, data: Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

/** Connects to `host` and waits until both are in the topic of offers. */
export async function connectRawGossip(host: Host): Promise<RawGossip> {
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      gossip: gossipsub({ globalSignaturePolicy: StrictNoSign, allowPublishToZeroTopicPeers: true }),
    },
  });
  const { gossip } = node.services;
  gossip.subscribe(OFFER_TOPIC);
  await node.dial(host.addresses.filter((address) => address.includes("/tcp/")).map((address) => multiaddr(address)));
  await until("the host is subscribed", () => gossip.getSubscribers(OFFER_TOPIC).length === 1);
  return {
    async publish(topic, data) {
      await gossip.publish(topic, data);
    },
    async stop() {
      await Promise.race([node.stop(), sleep(2000)]);
    },
  };
}
