import { bytes32Schema, FrameType, utf8 } from "@depinfer/protocol";
import { afterEach, describe, expect, it } from "vitest";
import type { Exchange } from "./index.ts";
import { answerOf, describeOutcome } from "./testing/answers.ts";
import { createTestHosts, linkBetween, QUIC, TCP, until } from "./testing/hosts.ts";

const hosts = createTestHosts();
afterEach(() => hosts.stopAll());

describe.each([
  ["QUIC", QUIC],
  ["TCP with Noise", TCP],
])("a link over %s", (name, address) => {
  const pair = async () => {
    const gateway = await hosts.start("gateway", { listen: [address], role: "gateway" });
    const provider = await hosts.start("provider", { listen: [address], role: "provider", features: ["seeded"] });
    return { gateway, provider, link: await linkBetween(gateway, provider) };
  };

  it("knows who is at the other end and how it got there", async () => {
    const { gateway, provider, link } = await pair();
    expect(link.peerId).toBe(provider.peerId);
    expect(link.transport).toBe(name === "QUIC" ? "quic" : "tcp");
    expect(link.version).toBe(1);
    expect(link.remoteHello).toMatchObject({ role: "provider", features: ["seeded"], software: "depinfer/0.1.0" });
    expect(provider.link(gateway.peerId)?.remoteHello.role).toBe("gateway");
    await until("a PONG gave a round trip", () => link.rttMs !== undefined);
    expect(link.rttMs).toBeLessThan(1000);
  });

  it("carries a request, its answer and the receipt that is signed after the end", async () => {
    const { provider, link } = await pair();
    provider.serve((exchange) => {
      exchange.send(FrameType.ACCEPT, utf8("nonce"));
      exchange.send(FrameType.DATA, utf8("you said: "));
      exchange.send(FrameType.DATA, exchange.opening);
      exchange.end(utf8("usage"));
      setTimeout(() => exchange.send(FrameType.RECEIPT, utf8("signed")), 30);
    });
    const exchange = link.open(utf8("hello"));
    const { data, outcome, types } = await answerOf(exchange);
    expect(data.toString()).toBe("you said: hello");
    expect(outcome).toEqual({ kind: "ended" });
    expect(exchange.closed).toBe(true);
    expect(types).toEqual([FrameType.ACCEPT, FrameType.DATA, FrameType.DATA, FrameType.END]);
    await until("the receipt came", () => types.at(-1) === FrameType.RECEIPT);
    expect(link.openExchanges).toBe(0);
  });

  it("lets both sides open exchanges on the one stream", async () => {
    const { gateway, provider, link } = await pair();
    for (const host of [gateway, provider]) {
      host.serve((exchange) => {
        exchange.send(FrameType.RESULT, utf8(host.peerId));
        exchange.end();
      });
    }
    const back = provider.link(gateway.peerId);
    const exchanges = [link.open(utf8("?"), FrameType.QUERY), back?.open(utf8("?"), FrameType.QUERY)];
    const answers = await Promise.all(exchanges.map((exchange) => exchange && answerOf(exchange)));
    expect(answers.map((answer) => answer?.outcome.kind)).toEqual(["ended", "ended"]);
    expect(exchanges.map((exchange) => exchange?.id)).toEqual([1, 2]);
  });

  it("carries large bodies and a thousand interleaved requests unchanged", async () => {
    const { provider, link } = await pair();
    provider.serve((exchange) => {
      exchange.send(FrameType.DATA, exchange.opening);
      exchange.end();
    });
    const large = Buffer.alloc(3_000_000, "0123456789");
    const answers = await Promise.all([
      answerOf(link.open(large)),
      ...Array.from({ length: 1000 }, (_, i) => answerOf(link.open(utf8(`request ${i}`)))),
    ]);
    expect(answers[0]?.data.equals(large)).toBe(true);
    expect(answers.slice(1).map((answer) => answer.data.toString())).toEqual(
      Array.from({ length: 1000 }, (_, i) => `request ${i}`),
    );
  });

  it("ends every exchange once, with a retryable error, when it is lost", async () => {
    const { gateway, provider, link } = await pair();
    const served: Exchange[] = [];
    provider.serve((exchange) => void served.push(exchange));
    const outcomes: string[] = [];
    const opened = Array.from({ length: 5 }, () => link.open(utf8("x")));
    for (const exchange of opened) {
      exchange.onClose((outcome) => outcomes.push(describeOutcome(outcome)));
    }
    await until("the provider has them", () => served.length === 5);
    const remote: string[] = [];
    for (const exchange of served) {
      exchange.onClose((outcome) => remote.push(describeOutcome(outcome)));
    }
    const reasons: string[] = [];
    link.onClose((reason) => reasons.push(reason.message));
    provider.link(gateway.peerId)?.close("maintenance");
    await until("both sides noticed", () => outcomes.length === 5 && remote.length === 5);
    expect(new Set([...outcomes, ...remote])).toEqual(new Set(["failed: network.linkClosed"]));
    expect(reasons).toEqual([expect.stringContaining("maintenance")]);
    await expect(opened[0]?.drained()).rejects.toMatchObject({ code: "network.linkClosed", retryable: true });
    const late = await answerOf(link.open(utf8("late")));
    expect(describeOutcome(late.outcome)).toBe("failed: network.linkClosed");
    expect(provider.problems).toEqual([]);
  });

  it("tells either side that the other cancelled", async () => {
    const { provider, link } = await pair();
    const seen: string[] = [];
    provider.serve((exchange) => {
      exchange.onClose((outcome) => seen.push(`provider: ${describeOutcome(outcome)}`));
      if (exchange.opening.length === 0) {
        exchange.cancel("out of memory");
      }
    });
    const kept = link.open(utf8("long story"));
    kept.onClose((outcome) => seen.push(`gateway: ${describeOutcome(outcome)}`));
    await until("the provider serves it", () => provider.links()[0]?.openExchanges === 1);
    kept.cancel("the app hung up");
    const refused = await answerOf(link.open(new Uint8Array(0)));
    expect(describeOutcome(refused.outcome)).toBe("cancelled by remote: out of memory");
    await until("all ends were told", () => seen.length === 3);
    expect(seen).toEqual([
      "gateway: cancelled by local: the app hung up",
      "provider: cancelled by remote: the app hung up",
      "provider: cancelled by local: out of memory",
    ]);
    expect(kept.send(FrameType.DATA, utf8("too late"))).toBe(false);
    await expect(kept.drained()).rejects.toMatchObject({ code: "network.exchangeClosed" });
    expect(link.closed).toBe(false);
  });
});

describe("a link", () => {
  const pair = async () => {
    const gateway = await hosts.start("gateway", { listen: [QUIC] });
    const provider = await hosts.start("provider", { listen: [QUIC] });
    return { gateway, provider, link: await linkBetween(gateway, provider) };
  };

  it("carries control frames and a new HELLO with the next nonce head", async () => {
    const { gateway, provider, link } = await pair();
    const control: string[] = [];
    provider.link(gateway.peerId)?.onControl((type, payload) => control.push(`${type} ${Buffer.from(payload)}`));
    link.sendControl(FrameType.VOUCHER, utf8("pay 5"));
    const nonceHead = bytes32Schema.parse(`0x${"ab".repeat(32)}`);
    const heads: (string | undefined)[] = [];
    link.onHello((hello) => heads.push(hello.nonceHead));
    provider.sendHello({ nonceHead });
    await until("both arrived", () => control.length === 1 && heads.length === 1);
    expect(control).toEqual([`${FrameType.VOUCHER} pay 5`]);
    expect(heads).toEqual([nonceHead]);
    expect(link.remoteHello.nonceHead).toBe(nonceHead);
  });

  it("shows each peer its own nonce head with the first HELLO", async () => {
    const provider = await hosts.start("provider", {
      nonceHeadFor: (peerId) => bytes32Schema.parse(`0x${Buffer.from(peerId).toString("hex").slice(-64)}`),
    });
    const a = await hosts.start("a");
    const b = await hosts.start("b");
    const heads = [
      (await linkBetween(a, provider)).remoteHello.nonceHead,
      (await linkBetween(b, provider)).remoteHello.nonceHead,
    ];
    expect(heads[0]).toMatch(/^0x/);
    expect(heads[0]).not.toBe(heads[1]);
  });

  it("refuses requests with an error while nothing serves them", async () => {
    const { link } = await pair();
    const { outcome } = await answerOf(link.open(utf8("anyone?")));
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "network.notServing", retryable: true } });
  });

  it("turns an error of the serving side into an ERR with its code", async () => {
    const { provider, link } = await pair();
    provider.serve(() => {
      throw new Error("bug in the service");
    });
    const { outcome } = await answerOf(link.open(utf8("x")));
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "provider.internal" } });
    expect(provider.problems.map((problem) => problem.code)).toEqual(["network.internal"]);
    expect(link.closed).toBe(false);
  });

  it("refuses more open requests than it allows and recovers when some end", async () => {
    const gateway = await hosts.start("gateway");
    const provider = await hosts.start("provider", { maxExchangesPerLink: 3 });
    const served: Exchange[] = [];
    provider.serve((exchange) => void served.push(exchange));
    const link = await linkBetween(gateway, provider);
    const opened = Array.from({ length: 4 }, () => answerOf(link.open(utf8("x"))));
    expect(await opened[3]).toMatchObject({
      outcome: { error: { code: "network.tooManyExchanges", retryable: true } },
    });
    served[0]?.end();
    await opened[0];
    void answerOf(link.open(utf8("x")));
    await until("the freed place is used", () => served.length === 4);
  });
});
