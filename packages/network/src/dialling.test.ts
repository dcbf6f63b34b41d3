import { setTimeout as sleep } from "node:timers/promises";
import { utf8 } from "@depinfer/protocol";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";
import { afterEach, describe, expect, it } from "vitest";
import type { Exchange, Host } from "./index.ts";
import { answerOf } from "./testing/answers.ts";
import { createTestHosts, linkBetween, QUIC, TCP, until } from "./testing/hosts.ts";
import { offerOf } from "./testing/offers.ts";

const hosts = createTestHosts();
afterEach(() => hosts.stopAll());

describe("dialling", () => {
  it("prefers QUIC and falls back to TCP where QUIC does not answer", async () => {
    const a = await hosts.start("a");
    const both = await hosts.start("both", { listen: [TCP, QUIC] });
    expect((await a.dial(both.addresses)).transport).toBe("quic");
    const tcpOnly = await hosts.start("tcp only", { listen: [TCP] });
    const dead = "/ip4/127.0.0.1/udp/9/quic-v1";
    const link = await a.dial({ peerId: tcpOnly.peerId, addresses: [dead, ...tcpOnly.addresses] });
    expect(link.transport).toBe("tcp");
  });

  it("takes host names, over either transport", async () => {
    const a = await hosts.start("a");
    const b = await hosts.start("b");
    for (const address of b.addresses) {
      const named = address.replace("/ip4/127.0.0.1/", "/dns4/localhost/");
      const link = await a.dial(named);
      expect(named).toContain(link.transport);
      link.close();
      await a.stop();
      await a.start();
    }
    await expect(a.dial("/dns4/nobody.invalid/udp/1/quic-v1")).rejects.toMatchObject({ code: "network.unreachable" });
  });

  it("gives everyone who dials the same peer the same link", async () => {
    const a = await hosts.start("a");
    const b = await hosts.start("b");
    const bare = b.addresses.map((address) => address.replace(/\/p2p\/.*/, ""));
    const links = await Promise.all([
      a.dial(b.addresses),
      a.dial(b.addresses),
      a.dial({ peerId: b.peerId, addresses: bare }),
    ]);
    expect(new Set(links).size).toBe(1);
    expect(await a.dial(b.peerId)).toBe(links[0]);
    expect(await a.dial(bare)).toBe(links[0]);
  });

  it("finds the addresses of a bare peer id in its offers", async () => {
    const a = await hosts.start("a");
    const b = await hosts.start("b");
    await expect(a.dial(b.peerId)).rejects.toMatchObject({ code: "network.unknownPeer", retryable: true });
    const offer = await b.announce(offerOf(b.peerId, Date.now(), { addresses: [...b.addresses] }));
    expect(a.offers.accept(offer)).toMatchObject({ accepted: true });
    expect((await a.dial(b.peerId)).peerId).toBe(b.peerId);
  });

  it.each([
    ["a dead port", "/ip4/127.0.0.1/tcp/9", "network.unreachable"],
    ["nonsense", "/nonsense", "network.badAddress"],
    ["nothing", "", "network.badAddress"],
  ])("fails with a typed error on %s", async (_what, target, code) => {
    const a = await hosts.start("a");
    await expect(a.dial(target)).rejects.toMatchObject({ code });
  });

  it("refuses to dial itself and to dial before the start", async () => {
    const a = await hosts.start("a");
    await expect(a.dial(a.addresses)).rejects.toMatchObject({ code: "network.badAddress" });
    await expect(a.dial(a.addresses.map((address) => address.replace(/\/p2p\/.*/, "")))).rejects.toThrow();
    await a.stop();
    await expect(a.dial("/ip4/127.0.0.1/tcp/9")).rejects.toMatchObject({ code: "network.notStarted" });
  });

  it("does not accept another peer at the address of the one it wants", async () => {
    const a = await hosts.start("a");
    const b = await hosts.start("b");
    const impostor = await hosts.start("impostor");
    for (const address of impostor.addresses) {
      const stolen = address.replace(impostor.peerId, b.peerId);
      await expect(a.dial(stolen), stolen).rejects.toMatchObject({ code: "network.unreachable" });
    }
    expect(impostor.links()).toEqual([]);
  });

  it("stops waiting when its signal aborts", async () => {
    const a = await hosts.start("a");
    const signal = AbortSignal.timeout(50);
    await expect(a.dial("/ip4/127.0.0.1/udp/9/quic-v1", { signal })).rejects.toMatchObject({ name: "TimeoutError" });
  });
});

describe("two peers that dial each other at once", () => {
  it("end up with one link that both agree on, and requests opened meanwhile come through", async () => {
    for (let round = 0; round < 5; round++) {
      const a = await hosts.start(`a${round}`);
      const b = await hosts.start(`b${round}`);
      for (const host of [a, b]) {
        host.serve((exchange) => exchange.end());
      }
      const [fromA, fromB] = await Promise.all([a.dial(b.addresses), b.dial(a.addresses)]);
      const answers = await Promise.all([fromA, fromB].map((link) => answerOf(link.open(utf8("hi")))));
      expect(answers.map((answer) => answer.outcome.kind)).toEqual(["ended", "ended"]);
      await until("both have one link", () => a.links().length === 1 && b.links().length === 1);
      const opener = [a, b].map((host) => (host.links()[0]?.initiator ? host : undefined));
      expect(opener.filter((host) => host !== undefined).length, `round ${round}: one side opened it`).toBe(1);
    }
  });
});

describe("version negotiation", () => {
  it("takes the highest version that both speak", async () => {
    const a = await hosts.start("a", { versions: [1, 2, 3] });
    const b = await hosts.start("b", { versions: [2, 1] });
    const link = await linkBetween(a, b);
    expect([link.version, b.link(a.peerId)?.version]).toEqual([2, 2]);
  });

  it("says what a peer speaks that has only a later stream protocol", async () => {
    const a = await hosts.start("a");
    const future = await createLibp2p({
      addresses: { listen: [TCP] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      nodeInfo: { userAgent: "depinfer/9.9.9" },
      services: { identify: identify() },
    });
    try {
      await future.handle("/depinfer/7", (stream) => stream.abort(new Error("unused")));
      const addresses = future.getMultiaddrs().map((address) => address.toString());
      const failure = { code: "network.versionMismatch", retryable: false };
      await expect(a.dial(addresses)).rejects.toMatchObject(failure);
      await sleep(200); // Until identify has told what the peer speaks.
      await expect(a.dial(addresses)).rejects.toMatchObject({
        ...failure,
        metadata: { ours: "1", theirs: "7", theirSoftware: "depinfer/9.9.9" },
        remedy: "Upgrade depinfer on this node",
      });
    } finally {
      await future.stop();
    }
  });

  it("refuses in one line that says what to upgrade, on both sides", async () => {
    const old = await hosts.start("old", { versions: [1] });
    const young = await hosts.start("young", { versions: [2, 3], software: "depinfer/9.9.9" });
    const error = await old.dial(young.addresses).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      code: "network.versionMismatch",
      retryable: false,
      remedy: "Upgrade depinfer on this node",
      metadata: { ours: "1", theirs: "2,3", theirSoftware: "depinfer/9.9.9" },
    });
    await until("the other side knows too", () => young.problems.length > 0);
    expect(young.problems[0]).toMatchObject({
      code: "network.versionMismatch",
      remedy: "Upgrade depinfer on the peer (depinfer/0.1.0)",
    });
    expect([old.links(), young.links()]).toEqual([[], []]);
  });
});

describe("a peer that restarts", () => {
  const restart = async (host: Host, name: string): Promise<Host> => {
    const listen = host.addresses.map((address) => address.replace(/\/p2p\/.*/, ""));
    await host.stop();
    return hosts.start(name, { listen });
  };

  it("is linked again by whoever keeps it, and `onLink` tells", async () => {
    const provider = await hosts.start("provider");
    const gateway = await hosts.start("gateway", { bootstrap: provider.addresses.slice(0, 1) });
    let linked = 0;
    gateway.onLink(() => {
      linked++;
    });
    await until("the first link is there", () => gateway.link(provider.peerId) !== undefined);
    const again = await restart(provider, "provider");
    await until("the second link is there", () => linked >= 2 && gateway.link(again.peerId)?.closed === false);
    expect(gateway.state().kept).toMatchObject([{ state: "linked" }]);
  });

  it("is one peer, whatever link it had before", async () => {
    const gateway = await hosts.start("gateway");
    const served: Exchange[] = [];
    gateway.serve((exchange) => {
      served.push(exchange);
      exchange.end();
    });
    for (let round = 0; round < 3; round++) {
      const node = await hosts.start("provider");
      const link = await node.dial(gateway.addresses);
      expect((await answerOf(link.open(utf8("hi")))).outcome.kind).toBe("ended");
      await until("one link", () => gateway.links().length === 1);
      await node.stop();
    }
    expect(served.length).toBe(3);
  });
});
