import type { DepinferError, Hex, Offer, SignedOffer } from "@depinfer/protocol";
import type { Clock } from "./clock.ts";
import type { Exchange } from "./exchange.ts";
import type { Hello } from "./hello.ts";
import type { Link, Unsubscribe } from "./link.ts";
import type { OfferBook, OfferRejection } from "./offer-book.ts";

/** A peer id (of a linked peer or of one in the offer book), one multiaddr, several of one peer, or both together. */
export type DialTarget =
  | string
  | readonly string[]
  | { readonly peerId: string; readonly addresses: readonly string[] };

export interface DialOptions {
  readonly signal?: AbortSignal;
  /** For connection, HELLO and everything between. Default 10 s. */
  readonly timeoutMs?: number;
}

export interface FoundProvider {
  readonly peerId: string;
  /** Multiaddrs; may be empty when the peer is known but its addresses are not. */
  readonly addresses: readonly string[];
}

/** What a kept peer is doing, for `doctor` and status pages. */
export interface KeptPeer {
  readonly addresses: readonly string[];
  readonly state: "linked" | "dialling" | "waiting";
  readonly failures: number;
  /** Why the last attempt or link ended. */
  readonly lastError?: string;
}

export interface HostState {
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly links: number;
  readonly kept: readonly KeptPeer[];
  readonly offers: number;
  readonly rejectedOffers: Readonly<Record<OfferRejection, number>>;
  /** Peers that gossip offers with this node. */
  readonly gossipPeers: number;
}

export interface HostModules {
  readonly clock?: Clock;
  /** Told about failures that nobody waits for: a broken peer, a failed background dial. */
  readonly onProblem?: (problem: DepinferError) => void;
}

export interface HostOptions {
  /** Ed25519 seed of the node key, 32 bytes. */
  readonly seed: Uint8Array;
  /** `provider`, `gateway`, … as told to peers in HELLO. */
  readonly role: string;
  /** Multiaddrs to listen on. Default: loopback, QUIC and TCP, free ports. Empty: dial out only. */
  readonly listen?: readonly string[];
  /** Multiaddrs to tell others instead of the ones listened on (behind a port forward). */
  readonly announce?: readonly string[];
  /** Multiaddrs of peers that are dialled at the start and after every loss. */
  readonly bootstrap?: readonly string[];
  /** File with one such multiaddr per line, `#` for comments; read again when it changes. */
  readonly bootstrapFile?: string;
  /** Name and version told to peers. Default `depinfer/0.1.0`. */
  readonly software?: string;
  readonly features?: readonly string[];
  /** Head of the nonce chain to show to this peer. Asked once per link, before HELLO. */
  readonly nonceHeadFor?: (peerId: string) => Hex | undefined;
  /** Protocol versions to speak. Default [1]. */
  readonly versions?: readonly number[];
  /** How long a peer may take for HELLO. Default 5 s. */
  readonly helloTimeoutMs?: number;
  /** Time between PINGs. Default 1.5 s. */
  readonly pingIntervalMs?: number;
  /** A peer that was silent for this many intervals is taken for dead. Default 3. */
  readonly maxSilentPings?: number;
  /** DATA bytes taken per exchange before the consumer has caught up. Default 256 KiB. */
  readonly windowBytes?: number;
  /** Largest frame payload taken. Default 4 MiB. */
  readonly maxPayloadBytes?: number;
  /** Exchanges a peer may have open here at once. Default 1,024. */
  readonly maxExchangesPerLink?: number;
  /** Connections kept at most. Default 1,000. */
  readonly maxConnections?: number;
  /** DHT and gossip. Default true; false leaves links and OFFER frames only. */
  readonly discovery?: boolean;
}

/** A node of the network: its identity, its links and what it knows of the market. */
export interface Host {
  /** libp2p id, derived from the seed. */
  readonly peerId: string;
  /** Multiaddrs, each ending in `/p2p/<peerId>`; empty before `start`. */
  readonly addresses: readonly string[];
  /** Every valid offer that this node has heard of, its own included. */
  readonly offers: OfferBook;

  start(): Promise<void>;
  /** Closes links, stops discovery and listening. Safe to call twice. */
  stop(): Promise<void>;

  /**
   * The link to a peer: the existing one, or a new one over QUIC, else TCP.
   *
   * @throws NetworkError `network.unreachable`, `network.helloTimeout`, `network.versionMismatch`,
   * `network.unknownPeer`, `network.badAddress`, `network.notStarted`.
   */
  dial(target: DialTarget, options?: DialOptions): Promise<Link>;
  /** The link to a peer when there is one now. Never waits. */
  link(peerId: string): Link | undefined;
  links(): readonly Link[];
  /** Called for every new link, dialled or accepted. */
  onLink(handler: (link: Link) => void): Unsubscribe;
  /** Takes exchanges that peers open. One handler; until it is set they are refused with `network.notServing`. */
  serve(handler: (exchange: Exchange, link: Link) => void): Unsubscribe;
  /** Dials the peer now and again after every loss, with growing jittered pauses, until the result is called. */
  keep(target: DialTarget): Unsubscribe;
  /** Sends HELLO again on every link with these fields changed. */
  sendHello(changes: Partial<Pick<Hello, "features" | "nonceHead">>): void;

  /** Signs an offer, stores it and tells everyone: links at once, the rest by gossip. */
  announce(offer: Offer): Promise<SignedOffer>;
  /** Writes into the DHT that this node serves a runtime class. Takes seconds: background work. */
  provide(classId: Hex): Promise<void>;
  /** Asks the DHT who serves a runtime class. Background work; ends at the limit, the timeout or the end of the search. */
  findProviders(
    classId: Hex,
    options?: { readonly limit?: number; readonly timeoutMs?: number },
  ): Promise<readonly FoundProvider[]>;
  /** What the node is doing, for status pages. */
  state(): HostState;
}
