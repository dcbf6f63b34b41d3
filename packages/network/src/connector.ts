import type { Connection, Libp2p, Stream } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import type { Multiaddr } from "@multiformats/multiaddr";
import type { ParsedTarget } from "./addresses.ts";
import { type NetworkError, unreachable, versionMismatch } from "./errors.ts";
import { resolveNames } from "./resolve-names.ts";

/** Protocol of the one stream that carries our frames. */
const LINK_PROTOCOL_VERSION = 1;
export const LINK_PROTOCOL = `/depinfer/${LINK_PROTOCOL_VERSION}`;

/** An existing connection that opens no stream within this many ms is taken for dead. */
const STALE_CONNECTION_TIMEOUT_MS = 2000;

export interface OpenedStream {
  readonly stream: Stream;
  readonly connection: Connection;
}

/**
 * Opens our stream to a peer, over the connection there is or over a new one. A connection that looks open but leads
 * nowhere, because the peer died without a word, is thrown away and dialled again.
 *
 * @throws NetworkError `network.unreachable`
 */
export async function openStream(node: Libp2p, target: ParsedTarget, signal: AbortSignal): Promise<OpenedStream> {
  const name = target.peerId ?? target.addresses.join(", ");
  const existing = target.peerId === undefined ? undefined : openConnection(node, target.peerId);
  if (existing !== undefined) {
    try {
      const timeout = AbortSignal.timeout(STALE_CONNECTION_TIMEOUT_MS);
      return { connection: existing, stream: await newStream(existing, AbortSignal.any([signal, timeout])) };
    } catch (error) {
      if (speaksAnotherProtocol(error)) {
        throw await protocolMismatch(node, existing);
      }
      if (target.addresses.length === 0 || signal.aborted) {
        throw unreachable(name, error);
      }
      existing.abort(error instanceof Error ? error : new Error(String(error)));
    }
  }
  let connection: Connection | undefined;
  try {
    connection = await dial(node, target.peerId, target.addresses, signal);
    return { connection, stream: await newStream(connection, signal) };
  } catch (error) {
    if (connection !== undefined && speaksAnotherProtocol(error)) {
      throw await protocolMismatch(node, connection);
    }
    throw unreachable(name, error);
  }
}

function speaksAnotherProtocol(error: unknown): boolean {
  return error instanceof Error && error.name === "UnsupportedProtocolError";
}

/** The peer speaks no `/depinfer/1`: says what it speaks, as far as it told. */
async function protocolMismatch(node: Libp2p, connection: Connection): Promise<NetworkError> {
  const peer = await node.peerStore.get(connection.remotePeer);
  const theirs = peer.protocols.flatMap((protocol) => /^\/depinfer\/(\d+)$/.exec(protocol)?.[1] ?? []).map(Number);
  const agent = peer.metadata.get("AgentVersion");
  const software = agent === undefined ? "unknown software" : new TextDecoder().decode(agent);
  return versionMismatch(connection.remotePeer.toString(), [LINK_PROTOCOL_VERSION], theirs, software);
}

/** A live connection to the peer; one over QUIC where there are several. */
function openConnection(node: Libp2p, peerId: string): Connection | undefined {
  const open = node.getConnections(peerIdFromString(peerId)).filter((connection) => connection.status === "open");
  return open.find((connection) => connection.multiplexer === "quic") ?? open[0];
}

async function dial(
  node: Libp2p,
  peerId: string | undefined,
  addresses: readonly Multiaddr[],
  signal: AbortSignal,
): Promise<Connection> {
  if (addresses.length === 0 && peerId !== undefined) {
    return node.dial(peerIdFromString(peerId), { signal });
  }
  return node.dial([...(await resolveNames(addresses))], { signal });
}

function newStream(connection: Connection, signal: AbortSignal): Promise<Stream> {
  return connection.newStream(LINK_PROTOCOL, { signal, maxOutboundStreams: 4 });
}
