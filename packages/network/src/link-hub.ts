import type { DepinferError } from "@depinfer/protocol";
import type { Connection, Libp2p, Stream } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { abandonOn } from "./abandon.ts";
import { type ParsedTarget, parseTarget, transportOf } from "./addresses.ts";
import type { Clock } from "./clock.ts";
import { openStream } from "./connector.ts";
import { badAddress, unknownPeer } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { Hello } from "./hello.ts";
import type { DialOptions, DialTarget } from "./host.ts";
import type { Link } from "./link.ts";
import { LinkTable } from "./link-table.ts";
import { StreamLink } from "./stream-link.ts";

const DEFAULT_DIAL_TIMEOUT_MS = 10_000;

export interface LinkHubModules {
  readonly clock: Clock;
  /** The running libp2p node. Throws `network.notStarted` otherwise. */
  readonly node: () => Libp2p;
  readonly helloFor: (peerId: string) => Hello;
  /** Addresses of a peer that its offers tell. */
  readonly addressesOf: (peerId: string) => readonly string[];
  /** A link now serves its peer. */
  readonly onLink: (link: Link) => void;
  readonly onExchange: (exchange: Exchange, link: Link) => void;
  readonly onOffer: (payload: Uint8Array, link: Link) => void;
  readonly onProblem: (problem: unknown) => void;
}

export interface LinkHubOptions {
  readonly peerId: string;
  readonly helloTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly maxSilentPings: number;
  readonly maxPayloadBytes: number;
  readonly maxExchangesPerLink: number;
}

/** Makes links, by dialling and by being dialled, and knows the one that serves each peer. */
export interface LinkHub {
  get(peerId: string): Link | undefined;
  all(): readonly Link[];
  /** A peer opened our stream. */
  accept(stream: Stream, connection: Connection): void;
  dial(target: DialTarget, options?: DialOptions): Promise<Link>;
  /** Closes everything, links in the making too, and waits until the last bytes have left. */
  closeAll(reason: string): Promise<void>;
}

interface PendingLink {
  readonly resolve: (link: Link) => void;
  readonly reject: (reason: DepinferError) => void;
}

export function createLinkHub(modules: LinkHubModules, options: LinkHubOptions): LinkHub {
  const { clock, onExchange, onOffer, onProblem } = modules;
  const table = new LinkTable<StreamLink>(options.peerId);
  const living = new Set<StreamLink>();
  const pendingLinks = new Map<StreamLink, PendingLink>();
  const pendingDials = new Map<string, Promise<Link>>();

  function makeLink(stream: Stream, connection: Connection, initiator: boolean): StreamLink {
    const peerId = connection.remotePeer.toString();
    const abortConnection = (error: Error): void => connection.abort(error);
    const link = new StreamLink(
      { clock, stream, abortConnection, onReady, onExchange, onOffer, onClosed, onProblem },
      {
        peerId,
        initiator,
        transport: transportOf(connection.remoteAddr),
        remoteAddress: connection.remoteAddr.toString(),
        hello: modules.helloFor(peerId),
        helloTimeoutMs: options.helloTimeoutMs,
        pingIntervalMs: options.pingIntervalMs,
        maxSilentPings: options.maxSilentPings,
        maxPayloadBytes: options.maxPayloadBytes,
        maxExchanges: options.maxExchangesPerLink,
      },
    );
    living.add(link);
    return link;
  }

  function onReady(link: StreamLink): void {
    const serves = table.admit(link);
    pendingLinks.get(link)?.resolve(serves ? link : (table.get(link.peerId) ?? link));
    pendingLinks.delete(link);
    if (serves) {
      modules.onLink(link);
    }
  }

  function onClosed(link: StreamLink, reason: DepinferError): void {
    living.delete(link);
    table.remove(link);
    pendingLinks.get(link)?.reject(reason);
    pendingLinks.delete(link);
  }

  async function dial(target: DialTarget, dialOptions: DialOptions = {}): Promise<Link> {
    const parsed = parseTarget(target);
    const { peerId, addresses } = parsed;
    modules.node();
    if (peerId === options.peerId) {
      throw badAddress(peerId, "it is this node itself");
    }
    const present = peerId === undefined ? undefined : table.get(peerId);
    if (present !== undefined) {
      return present;
    }
    // Callers that want the same peer share one attempt; each may give up waiting on its own.
    const name = peerId ?? addresses.join(" ");
    let attempt = pendingDials.get(name);
    if (attempt === undefined) {
      attempt = connect(parsed, dialOptions.timeoutMs ?? DEFAULT_DIAL_TIMEOUT_MS).finally(() =>
        pendingDials.delete(name),
      );
      pendingDials.set(name, attempt);
    }
    return dialOptions.signal === undefined ? attempt : abandonOn(dialOptions.signal, attempt);
  }

  async function connect(target: ParsedTarget, timeoutMs: number): Promise<Link> {
    const node = modules.node();
    const { stream, connection } = await openStream(node, await locate(node, target), AbortSignal.timeout(timeoutMs));
    const peerId = connection.remotePeer.toString();
    // Only now is it known who answers at an address without a peer id.
    const present = table.get(peerId);
    if (present !== undefined) {
      stream.abort(new Error("a link to this peer exists"));
      return present;
    }
    if (peerId === options.peerId) {
      stream.abort(new Error("dialled itself"));
      throw badAddress(target.addresses.join(", "), "it is this node itself");
    }
    const { promise, resolve, reject } = Promise.withResolvers<Link>();
    pendingLinks.set(makeLink(stream, connection, true), { resolve, reject });
    return promise;
  }

  /** Addresses for a bare peer id: from its offers, else whatever libp2p has learnt. */
  async function locate(node: Libp2p, target: ParsedTarget): Promise<ParsedTarget> {
    const { peerId, addresses } = target;
    if (peerId === undefined || addresses.length > 0) {
      return target;
    }
    const offered = modules.addressesOf(peerId);
    if (offered.length > 0) {
      return parseTarget({ peerId, addresses: offered });
    }
    const id = peerIdFromString(peerId);
    if (node.getConnections(id).length === 0 && !(await node.peerStore.has(id))) {
      throw unknownPeer(peerId);
    }
    return target;
  }

  return {
    get: (peerId) => table.get(peerId),
    all: () => table.all(),
    accept: (stream, connection) => void makeLink(stream, connection, false),
    dial,
    async closeAll(reason) {
      const closing = [...living];
      for (const link of closing) {
        link.close(reason);
      }
      await Promise.all(closing.map((link) => link.streamClosed));
    },
  };
}
