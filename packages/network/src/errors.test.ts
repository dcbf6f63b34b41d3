import { describe, expect, it } from "vitest";
import * as errors from "./errors.ts";

describe("what network errors tell people", () => {
  it("reads like documentation", () => {
    const all = [
      errors.linkClosed("12D3KooWPeer", "no sign of life for about 4500 ms"),
      errors.protocolViolation("12D3KooWPeer", "DATA beyond the granted window"),
      errors.versionMismatch("12D3KooWPeer", [1], [2, 3], "depinfer/0.9.0"),
      errors.versionMismatch("12D3KooWPeer", [2, 3], [1], "depinfer/0.1.0"),
      errors.versionMismatch("12D3KooWPeer", [1], [], "something/1"),
      errors.helloTimeout("12D3KooWPeer", 5000),
      errors.unreachable("12D3KooWPeer", new Error("connection refused")),
      errors.unknownPeer("12D3KooWPeer"),
      errors.badAddress("/nonsense", "unknown protocol"),
      errors.notStarted(),
      errors.exchangeClosed("12D3KooWPeer", "the answer is complete"),
      errors.notServing(),
      errors.cannotListen(["/ip4/127.0.0.1/tcp/80"], new Error("permission denied")),
      errors.offerRefused("oldSequence", 4),
      errors.asProblem("boom"),
    ];
    expect(
      all.map((error) => `${error.code}${error.retryable ? " (retryable)" : ""}: ${error.describe()}`),
    ).toMatchInlineSnapshot(`
      [
        "network.linkClosed (retryable): The link to 12D3KooWPeer closed: no sign of life for about 4500 ms. Try again or use another peer.",
        "network.protocolViolation: Peer 12D3KooWPeer broke the protocol: DATA beyond the granted window. Upgrade the older of the two peers, or stop using this one.",
        "network.versionMismatch: This node speaks depinfer protocol 1 and peer 12D3KooWPeer speaks 2, 3. Upgrade depinfer on this node.",
        "network.versionMismatch: This node speaks depinfer protocol 2, 3 and peer 12D3KooWPeer speaks 1. Upgrade depinfer on the peer (depinfer/0.1.0).",
        "network.versionMismatch: This node speaks depinfer protocol 1 and peer 12D3KooWPeer speaks none of them. Upgrade depinfer on the peer (something/1).",
        "network.helloTimeout (retryable): Peer 12D3KooWPeer did not say HELLO within 5000 ms. Try again; if it persists, the peer hangs or is overloaded.",
        "network.unreachable (retryable): Could not reach 12D3KooWPeer: connection refused. Check that the peer runs, that the address is right, and that UDP or TCP gets through.",
        "network.unknownPeer (retryable): No address is known for peer 12D3KooWPeer. Pass its addresses, or wait until one of its offers arrives.",
        "network.badAddress: "/nonsense" cannot be dialled: unknown protocol. Write it as /ip4/203.0.113.7/udp/4001/quic-v1/p2p/<peer id>.",
        "network.notStarted: The host is not running. Call start() first, and nothing after stop().",
        "network.exchangeClosed: The exchange with 12D3KooWPeer is over: the answer is complete. Open another exchange.",
        "network.notServing (retryable): This node takes no requests. Use another peer.",
        "network.cannotListen: Cannot listen on /ip4/127.0.0.1/tcp/80: permission denied. Choose a free port, or 0 for any.",
        "network.offerRefused: The offer with sequence 4 would be refused by everyone: oldSequence. Raise the sequence with every offer and let it expire in the future, within an hour.",
        "network.internal: A handler failed: boom. This is a mistake in the program; report it with its log.",
      ]
    `);
  });
});
