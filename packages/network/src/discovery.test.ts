import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeSignedOffer, FrameType, type SignedOffer } from "@depinfer/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { OFFER_TOPIC } from "./discovery.ts";
import { createNodeKey } from "./node-key.ts";
import { signOffer } from "./sign-offer.ts";
import { createTestHosts, linkBetween, seedOf, type TestHost, until } from "./testing/hosts.ts";
import { classIdOf, offerOf } from "./testing/offers.ts";
import { connectRawGossip } from "./testing/raw-gossip.ts";

const hosts = createTestHosts();
afterEach(() => hosts.stopAll());

/** `count` hosts with discovery, each bootstrapped from the first and the one before it. */
async function network(count: number): Promise<readonly [TestHost, ...TestHost[]]> {
  const first = await hosts.start("node 0", { discovery: true });
  const rest: TestHost[] = [];
  for (let i = 1; i < count; i++) {
    const before = rest.at(-1) ?? first;
    const bootstrap = [...first.addresses.slice(0, 1), ...before.addresses.slice(0, 1)];
    rest.push(await hosts.start(`node ${i}`, { discovery: true, bootstrap }));
  }
  const all: [TestHost, ...TestHost[]] = [first, ...rest];
  await until("everyone gossips", () => all.every((host) => host.state().gossipPeers > 0), 15_000);
  return all;
}

describe("eight nodes", () => {
  it("all hear of every offer by gossip, once per node and class", async () => {
    const all = await network(8);
    for (const [i, host] of all.entries()) {
      for (const sequence of [1, 2]) {
        await host.announce(offerOf(host.peerId, Date.now(), { sequence, classId: classIdOf(1 + (i % 2)) }));
      }
    }
    await until(
      "everyone knows eight offers, each the newest",
      () => all.every((host) => host.offers.offers().filter((offer) => offer.sequence === 2).length === 8),
      15_000,
    );
    for (const host of all) {
      expect(host.offers.offers({ classId: classIdOf(1) }).length).toBe(4);
      const { duplicate, oldSequence, ...faults } = host.offers.rejected;
      expect(
        Object.values(faults).every((count) => count === 0),
        JSON.stringify(faults),
      ).toBe(true);
    }
  });

  it("find in the DHT who serves a runtime class, at addresses that can be dialled", async () => {
    const [first, ...rest] = await network(8);
    const provider = rest[2];
    const seeker = rest.at(-1);
    if (provider === undefined || seeker === undefined) {
      throw new Error("the network has eight nodes");
    }
    await provider.provide(classIdOf(7));
    const found = await seeker.findProviders(classIdOf(7), { limit: 1, timeoutMs: 8000 });
    expect(found.map((peer) => peer.peerId)).toEqual([provider.peerId]);
    const link = await seeker.dial(found[0] ?? "");
    expect(link.peerId).toBe(provider.peerId);
    expect(await first.findProviders(classIdOf(8), { timeoutMs: 3000 })).toEqual([]);
  });
});

describe("a peer that gossips rubbish", () => {
  it("has it refused by reason, and what it passes on in good faith still counts", async () => {
    const host = await hosts.start("host", { discovery: true });
    const raw = await connectRawGossip(host);
    try {
      const victim = createNodeKey(seedOf("victim"));
      const genuine = signOffer(offerOf(victim.peerId, Date.now(), { sequence: 9 }), victim);
      const forged = { ...genuine, offer: { ...genuine.offer, sequence: 10 } };
      const impostor = createNodeKey(seedOf("impostor"));
      const stolen = { ...signOffer(offerOf(impostor.peerId, Date.now()), impostor), offer: genuine.offer };
      const old = signOffer(offerOf(victim.peerId, Date.now(), { sequence: 8 }), victim);
      for (const offer of [genuine, forged, stolen, old]) {
        await raw.publish(OFFER_TOPIC, encodeSignedOffer(offer));
      }
      await raw.publish(OFFER_TOPIC, Buffer.alloc(17_000, "x"));
      await raw.publish(OFFER_TOPIC, Buffer.from("not an offer"));
      await until("all were judged", () => host.offers.rejected.malformed === 1);
      expect(host.offers.rejected).toMatchObject({
        badSignature: 1,
        wrongPeer: 1,
        oldSequence: 1,
        tooLarge: 1,
        malformed: 1,
      });
      expect(host.offers.signedOffers()).toEqual([genuine]);
    } finally {
      await raw.stop();
    }
  });
});

describe("offers", () => {
  it("reach a fresh gateway with its first link, without waiting for gossip", async () => {
    const hub = await hosts.start("hub");
    for (let i = 0; i < 100; i++) {
      const key = createNodeKey(seedOf(`provider ${i}`));
      expect(hub.offers.accept(signOffer(offerOf(key.peerId, Date.now()), key))).toMatchObject({ accepted: true });
    }
    const gateway = await hosts.start("gateway");
    await linkBetween(gateway, hub);
    await until("the gateway knows them all", () => gateway.offers.offers().length === 100);
  });

  it("spread through both parts when two parts of the network find each other", async () => {
    const names = ["a", "b", "c", "d"];
    const all = await Promise.all(names.map((name) => hosts.start(name)));
    const [a, b, c, d] = all;
    if (a === undefined || b === undefined || c === undefined || d === undefined) {
      throw new Error("four hosts were started");
    }
    await linkBetween(a, b);
    await linkBetween(c, d);
    for (const host of [a, d]) {
      await host.announce(offerOf(host.peerId, Date.now() - 10_000));
    }
    await linkBetween(b, c);
    await until("everyone knows both", () => all.every((host) => host.offers.offers().length === 2));
  });

  it("reach linked peers at once when they change", async () => {
    const provider = await hosts.start("provider");
    const gateway = await hosts.start("gateway");
    await linkBetween(gateway, provider);
    const idle: number[] = [];
    gateway.offers.onChange(({ offer }) => idle.push(offer.idleSlots));
    for (const [sequence, idleSlots] of [4, 3, 2].entries()) {
      await provider.announce(offerOf(provider.peerId, Date.now(), { sequence, idleSlots }));
    }
    await until("three changes arrived", () => idle.length === 3);
    expect(idle).toEqual([4, 3, 2]);
  });

  it("are refused at home before anyone else would refuse them", async () => {
    const provider = await hosts.start("provider");
    await provider.announce(offerOf(provider.peerId, Date.now(), { sequence: 5 }));
    await expect(provider.announce(offerOf(provider.peerId, Date.now(), { sequence: 4 }))).rejects.toMatchObject({
      code: "network.offerRefused",
      metadata: { reason: "oldSequence" },
    });
  });

  it("are counted by reason and never stored when a peer forges or replays them", async () => {
    const gateway = await hosts.start("gateway");
    const mallory = await hosts.start("mallory");
    const victim = createNodeKey(seedOf("victim"));
    const link = await linkBetween(mallory, gateway);
    const now = Date.now();
    const genuine = signOffer(offerOf(victim.peerId, now, { sequence: 9 }), victim);
    const stale = signOffer(offerOf(victim.peerId, now, { sequence: 8 }), victim);
    const expired = signOffer(offerOf(victim.peerId, now - 120_000, { sequence: 10 }), victim);
    const forged: SignedOffer = { ...genuine, offer: { ...genuine.offer, sequence: 11 } };
    for (const offer of [genuine, stale, expired, forged, genuine]) {
      link.sendControl(FrameType.OFFER, encodeSignedOffer(offer));
    }
    link.sendControl(FrameType.OFFER, new Uint8Array(20_000));
    await until("all were judged", () => gateway.offers.rejected.tooLarge === 1);
    expect(gateway.offers.rejected).toMatchObject({
      oldSequence: 1,
      expired: 1,
      badSignature: 1,
      duplicate: 1,
      tooLarge: 1,
    });
    expect(gateway.offers.signedOffers()).toEqual([genuine]);
  });
});

describe("a bootstrap file", () => {
  it("is followed while the node runs", async () => {
    const folder = mkdtempSync(join(tmpdir(), "depinfer-bootstrap-"));
    try {
      const bootstrapFile = join(folder, "peers.txt");
      const a = await hosts.start("a");
      const b = await hosts.start("b");
      const node = await hosts.start("node", { bootstrapFile });
      expect(node.problems.map((problem) => problem.code)).toEqual(["network.bootstrapUnreadable"]);
      writeFileSync(bootstrapFile, `# entry points\n${a.addresses[0]}\n/not/an/address\n${node.addresses[0]}\n`);
      await until("the first entry is linked", () => node.link(a.peerId) !== undefined);
      expect(node.problems.map((problem) => problem.code)).toContain("network.badAddress");
      writeFileSync(bootstrapFile, `${b.addresses[0]} # moved, and this makes the file longer\n`);
      await until("the second entry is linked", () => node.link(b.peerId) !== undefined);
      expect(node.state().kept.map((kept) => kept.addresses)).toEqual([[b.addresses[0]]]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
