import { peerIdFromString } from "@libp2p/peer-id";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { badAddress } from "./errors.ts";
import type { DialTarget } from "./host.ts";
import type { TransportName } from "./link.ts";

export interface ParsedTarget {
  /** Unknown when only addresses without `/p2p/…` were given. */
  readonly peerId: string | undefined;
  readonly addresses: readonly Multiaddr[];
}

/**
 * What a dial target says. Addresses get the peer id appended where it is known, so that nobody else can answer.
 *
 * @throws NetworkError `network.badAddress`
 */
export function parseTarget(target: DialTarget): ParsedTarget {
  if (typeof target === "string") {
    return target.startsWith("/")
      ? parseAddresses([target], undefined)
      : { peerId: parsePeerId(target), addresses: [] };
  }
  return "peerId" in target
    ? parseAddresses(target.addresses, parsePeerId(target.peerId))
    : parseAddresses(target, undefined);
}

function parseAddresses(texts: readonly string[], expected: string | undefined): ParsedTarget {
  let peerId = expected;
  const parsed = texts.map((text) => {
    const address = parseAddress(text);
    const named = peerIdIn(address);
    if (named !== undefined && peerId !== undefined && named !== peerId) {
      throw badAddress(text, `it names another peer than ${peerId}`);
    }
    peerId ??= named;
    return address;
  });
  if (parsed.length === 0 && peerId === undefined) {
    throw badAddress("", "no address was given");
  }
  const suffix = peerId === undefined ? undefined : `/p2p/${peerId}`;
  const addresses = parsed.map((address) =>
    suffix === undefined || peerIdIn(address) !== undefined ? address : address.encapsulate(suffix),
  );
  return { peerId, addresses };
}

function parseAddress(text: string): Multiaddr {
  try {
    return multiaddr(text);
  } catch (error) {
    throw badAddress(text, error instanceof Error ? error.message : String(error));
  }
}

function parsePeerId(text: string): string {
  try {
    return peerIdFromString(text).toString();
  } catch {
    throw badAddress(text, "it is neither a multiaddr nor a peer id");
  }
}

/** The peer at the end of an address; a relay on the way does not count. */
export function peerIdIn(address: Multiaddr): string | undefined {
  const last = address.getComponents().at(-1);
  return last?.name === "p2p" ? last.value : undefined;
}

/** The transport an address is for. */
export function transportOf(address: Multiaddr): TransportName {
  const names = new Set(address.getComponents().map((component) => component.name));
  if (names.has("p2p-circuit")) {
    return "relay";
  }
  if (names.has("quic-v1")) {
    return "quic";
  }
  if (names.has("webrtc-direct") || names.has("webrtc")) {
    return "webrtc";
  }
  return names.has("ws") || names.has("wss") ? "websocket" : "tcp";
}

const PREFERENCE: Readonly<Record<TransportName, number>> = { quic: 0, tcp: 1, websocket: 2, webrtc: 3, relay: 4 };

/** Order in which addresses are tried: one round trip and no head-of-line blocking first, detours last. */
export function preferQuic(a: Multiaddr, b: Multiaddr): -1 | 0 | 1 {
  const difference = PREFERENCE[transportOf(a)] - PREFERENCE[transportOf(b)];
  return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}
