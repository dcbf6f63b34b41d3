import { randomUUID } from "node:crypto";
import { encodeSignedOffer, FrameType, type Hex, type Offer, type SignedOffer } from "@depinfer/protocol";
import { parseTarget } from "./addresses.ts";
import { followBootstrapFile } from "./bootstrap-file.ts";
import { systemClock } from "./clock.ts";
import { LINK_PROTOCOL } from "./connector.ts";
import { createDiscovery, type Discovery } from "./discovery.ts";
import { asProblem, cannotListen, notServing, notStarted, offerRefused } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { Handlers } from "./handlers.ts";
import type { Hello } from "./hello.ts";
import type { DialTarget, Host, HostModules, HostOptions } from "./host.ts";
import { createKeeper } from "./keeper.ts";
import { createLibp2pNode, type Libp2pNode } from "./libp2p-node.ts";
import type { Link, Unsubscribe } from "./link.ts";
import { createLinkHub, type LinkHub } from "./link-hub.ts";
import { createNodeKey } from "./node-key.ts";
import { createOfferBook } from "./offer-book.ts";
import { createOfferSharing } from "./offer-sharing.ts";
import { signOffer } from "./sign-offer.ts";

/** Streams of ours that one connection may have: a link, its twin while one of them retires, and one in the making. */
const MAX_STREAMS_PER_CONNECTION = 4;

const DEFAULTS = {
  software: "depinfer/0.1.0",
  features: [],
  versions: [1],
  helloTimeoutMs: 5000,
  pingIntervalMs: 1500,
  maxSilentPings: 3,
  windowBytes: 256 * 1024,
  maxPayloadBytes: 4 * 1024 * 1024,
  maxExchangesPerLink: 1024,
  maxConnections: 1000,
  discovery: true,
} as const;

interface Running extends Libp2pNode {
  readonly discovery: Discovery | undefined;
}

/**
 * A node of the network.
 *
 * @example
 * const host = createHost({}, { seed, role: "gateway", bootstrap: ["/ip4/203.0.113.7/udp/4001/quic-v1/p2p/12D3…"] });
 * await host.start();
 * const link = await host.dial(offer.peerId);
 * const exchange = link.open(requestBytes);
 * exchange.onFrame((type, payload) => …);
 */
export function createHost(modules: HostModules, options: HostOptions): Host {
  const settings = { ...DEFAULTS, ...options };
  const clock = modules.clock ?? systemClock;
  const onProblem = (problem: unknown): void => modules.onProblem?.(asProblem(problem));
  const key = createNodeKey(options.seed);
  const { peerId } = key;
  const instance = randomUUID();
  const linkHandlers = new Handlers<[link: Link]>(onProblem);
  const offers = createOfferBook({ clock, onProblem });
  const sharing = createOfferSharing({ clock, random: Math.random, book: offers, links: () => hub.all() });
  const hub: LinkHub = createLinkHub(
    {
      clock,
      node: () => requireRunning().node,
      helloFor,
      addressesOf: (peer) => offers.offers({ peerId: peer })[0]?.addresses ?? [],
      onLink(link) {
        sharing.greet(link);
        linkHandlers.call(link);
      },
      onExchange,
      onOffer: sharing.receive,
      onProblem,
    },
    { ...settings, peerId },
  );
  const keeper = createKeeper({ clock, random: Math.random, dial: hub.dial, isSelf });
  let helloChanges: Partial<Pick<Hello, "features" | "nonceHead">> = {};
  let serveHandler: ((exchange: Exchange, link: Link) => void) | undefined;
  let running: Running | undefined;
  let starting: Promise<void> | undefined;
  let stopFollowing: Unsubscribe = () => {};

  function requireRunning(): Running {
    if (running === undefined) {
      throw notStarted();
    }
    return running;
  }

  function addresses(): readonly string[] {
    return running?.node.getMultiaddrs().map((address) => address.toString()) ?? [];
  }

  function helloFor(peer: string): Hello {
    const nonceHead = options.nonceHeadFor?.(peer);
    return {
      versions: [...settings.versions],
      features: [...settings.features],
      software: settings.software,
      role: settings.role,
      windowBytes: settings.windowBytes,
      instance,
      ...helloChanges,
      ...(nonceHead === undefined ? {} : { nonceHead }),
    };
  }

  function onExchange(exchange: Exchange, link: Link): void {
    if (serveHandler === undefined) {
      exchange.fail(notServing());
      return;
    }
    try {
      serveHandler(exchange, link);
    } catch (error) {
      onProblem(error);
      exchange.fail(error);
    }
  }

  function isSelf(target: DialTarget): boolean {
    const parsed = parseTarget(target);
    const own = addresses();
    return parsed.peerId === peerId || parsed.addresses.some((address) => own.includes(`${address}/p2p/${peerId}`));
  }

  function start(): Promise<void> {
    starting ??= startOnce().finally(() => {
      starting = undefined;
    });
    return starting;
  }

  async function startOnce(): Promise<void> {
    if (running !== undefined) {
      return;
    }
    const built = await createLibp2pNode(key, settings);
    const { node, dht, gossip } = built;
    const limits = { maxInboundStreams: MAX_STREAMS_PER_CONNECTION, maxOutboundStreams: MAX_STREAMS_PER_CONNECTION };
    await node.handle(LINK_PROTOCOL, hub.accept, limits);
    const discovery = dht && gossip ? createDiscovery({ dht, gossip, offers, onGossip: sharing.gossiped }) : undefined;
    running = { ...built, discovery };
    try {
      await node.start();
    } catch (error) {
      running = undefined;
      await node.stop();
      throw cannotListen(settings.listen ?? [], error);
    }
    discovery?.start();
    sharing.start();
    for (const address of settings.bootstrap ?? []) {
      keep(address);
    }
    if (settings.bootstrapFile !== undefined) {
      stopFollowing = followBootstrapFile(settings.bootstrapFile, { clock, keep, onProblem });
    }
  }

  async function stop(): Promise<void> {
    await starting?.catch(() => {}); // Whoever started it is told; here only the end of it matters.
    const stopping = running;
    if (stopping === undefined) {
      return;
    }
    running = undefined;
    stopFollowing();
    keeper.stop();
    sharing.stop();
    offers.stop();
    await hub.closeAll("this node shuts down");
    stopping.discovery?.stop();
    await stopping.node.stop();
  }

  function keep(target: DialTarget): Unsubscribe {
    parseTarget(target); // A wrong address is the caller's mistake now, and not a dial that fails for ever.
    return keeper.keep(target);
  }

  async function announce(offer: Offer): Promise<SignedOffer> {
    const { discovery } = requireRunning();
    const signed = signOffer(offer, key);
    const bytes = encodeSignedOffer(signed);
    const verdict = offers.acceptBytes(bytes);
    if (!verdict.accepted) {
      throw offerRefused(verdict.reason, offer.sequence);
    }
    for (const link of hub.all()) {
      link.sendControl(FrameType.OFFER, bytes);
    }
    // Links were told; gossip that fails now is made up for by the next offer.
    await discovery?.publish(bytes).catch(onProblem);
    return signed;
  }

  return {
    peerId,
    get addresses() {
      return addresses();
    },
    offers,
    start,
    stop,
    dial: hub.dial,
    link: hub.get,
    links: hub.all,
    onLink: (handler) => linkHandlers.add(handler),
    serve(handler) {
      serveHandler = handler;
      return () => {
        serveHandler = serveHandler === handler ? undefined : serveHandler;
      };
    },
    keep,
    sendHello(changes) {
      helloChanges = { ...helloChanges, ...changes };
      for (const link of hub.all()) {
        link.sendHello(changes);
      }
    },
    announce,
    async provide(classId: Hex) {
      await requireRunning().discovery?.provide(classId);
    },
    findProviders: async (classId, search) => (await requireRunning().discovery?.findProviders(classId, search)) ?? [],
    state: () => ({
      peerId,
      addresses: addresses(),
      links: hub.all().length,
      kept: keeper.state(),
      offers: offers.offers().length,
      rejectedOffers: { ...offers.rejected },
      gossipPeers: running?.discovery?.gossipPeers ?? 0,
    }),
  };
}
