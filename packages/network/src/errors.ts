import { DepinferError, type ErrorMetadata, errorMessage } from "@depinfer/protocol";

/** Everything that goes wrong between two peers. */
export class NetworkError extends DepinferError {}

/** The link is gone; whatever was open on it can be tried again, here or elsewhere. */
export function linkClosed(peerId: string, reason: string, cause?: unknown): NetworkError {
  return new NetworkError({
    code: "network.linkClosed",
    message: `The link to ${peerId} closed: ${reason}`,
    remedy: "Try again or use another peer",
    metadata: { peerId, reason },
    retryable: true,
    cause,
  });
}

/** The peer broke the rules of the protocol. Its link is closed; other links do not notice. */
export function protocolViolation(peerId: string, what: string, metadata: ErrorMetadata = {}): NetworkError {
  return new NetworkError({
    code: "network.protocolViolation",
    message: `Peer ${peerId} broke the protocol: ${what}`,
    remedy: "Upgrade the older of the two peers, or stop using this one",
    metadata: { peerId, ...metadata },
  });
}

/** No version in common. One line says which side has to move. */
export function versionMismatch(
  peerId: string,
  ours: readonly number[],
  theirs: readonly number[],
  theirSoftware: string,
): NetworkError {
  const older = Math.max(...ours) < Math.max(0, ...theirs) ? "this node" : `the peer (${theirSoftware})`;
  return new NetworkError({
    code: "network.versionMismatch",
    message: `This node speaks depinfer protocol ${ours.join(", ")} and peer ${peerId} speaks ${theirs.join(", ") || "none of them"}`,
    remedy: `Upgrade depinfer on ${older}`,
    metadata: { peerId, ours: ours.join(","), theirs: theirs.join(","), theirSoftware },
  });
}

export function helloTimeout(peerId: string, timeoutMs: number): NetworkError {
  return new NetworkError({
    code: "network.helloTimeout",
    message: `Peer ${peerId} did not say HELLO within ${timeoutMs} ms`,
    remedy: "Try again; if it persists, the peer hangs or is overloaded",
    metadata: { peerId, timeoutMs },
    retryable: true,
  });
}

export function unreachable(target: string, cause: unknown): NetworkError {
  return new NetworkError({
    code: "network.unreachable",
    message: `Could not reach ${target}: ${errorMessage(cause)}`,
    remedy: "Check that the peer runs, that the address is right, and that UDP or TCP gets through",
    metadata: { target },
    retryable: true,
    cause,
  });
}

export function unknownPeer(peerId: string): NetworkError {
  return new NetworkError({
    code: "network.unknownPeer",
    message: `No address is known for peer ${peerId}`,
    remedy: "Pass its addresses, or wait until one of its offers arrives",
    metadata: { peerId },
    retryable: true,
  });
}

export function badAddress(address: string, why: string): NetworkError {
  return new NetworkError({
    code: "network.badAddress",
    message: `${JSON.stringify(address)} cannot be dialled: ${why}`,
    remedy: "Write it as /ip4/203.0.113.7/udp/4001/quic-v1/p2p/<peer id>",
    metadata: { address },
  });
}

export function notStarted(): NetworkError {
  return new NetworkError({
    code: "network.notStarted",
    message: "The host is not running",
    remedy: "Call start() first, and nothing after stop()",
  });
}

/** The exchange is over, so nothing more can be sent on it. */
export function exchangeClosed(peerId: string, why: string): NetworkError {
  return new NetworkError({
    code: "network.exchangeClosed",
    message: `The exchange with ${peerId} is over: ${why}`,
    remedy: "Open another exchange",
    metadata: { peerId, why },
  });
}

/** The peer opened a request and nothing here takes requests. */
export function notServing(): NetworkError {
  return new NetworkError({
    code: "network.notServing",
    message: "This node takes no requests",
    remedy: "Use another peer",
    retryable: true,
  });
}

export function cannotListen(addresses: readonly string[], cause: unknown): NetworkError {
  return new NetworkError({
    code: "network.cannotListen",
    message: `Cannot listen on ${addresses.join(", ") || "the default addresses"}: ${errorMessage(cause)}`,
    remedy: "Choose a free port, or 0 for any",
    metadata: { addresses: addresses.join(" ") },
    cause,
  });
}

/** Our own offer did not pass the checks that every peer makes. */
export function offerRefused(reason: string, sequence: number): NetworkError {
  return new NetworkError({
    code: "network.offerRefused",
    message: `The offer with sequence ${sequence} would be refused by everyone: ${reason}`,
    remedy: "Raise the sequence with every offer and let it expire in the future, within an hour",
    metadata: { reason, sequence },
  });
}

/** Any thrown value as one of our errors. */
export function asProblem(problem: unknown): DepinferError {
  if (problem instanceof DepinferError) {
    return problem;
  }
  return new NetworkError({
    code: "network.internal",
    message: `A handler failed: ${errorMessage(problem)}`,
    remedy: "This is a mistake in the program; report it with its log",
    cause: problem,
  });
}

export function sendBufferFull(peerId: string, maximum: number): NetworkError {
  return new NetworkError({
    code: "network.sendBufferFull",
    message: `More than ${maximum} bytes wait for a peer that does not read`,
    remedy: "Stop sending when send() returns false and await drained()",
    metadata: { peerId, maximum },
  });
}
