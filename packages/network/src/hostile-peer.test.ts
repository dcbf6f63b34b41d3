import { encodeFrame, encodeMessage, FrameType, utf8 } from "@depinfer/protocol";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { answerOf } from "./testing/answers.ts";
import { createTestHosts, linkBetween, type TestHost, until } from "./testing/hosts.ts";
import { connectRawPeer, RAW_HELLO, type RawPeer } from "./testing/raw-peer.ts";

const hosts = createTestHosts();
const raws: RawPeer[] = [];
afterEach(async () => {
  await Promise.all(raws.splice(0).map((raw) => raw.stop()));
  await hosts.stopAll();
});

async function rawPeer(host: TestHost): Promise<RawPeer> {
  const raw = await connectRawPeer(host);
  raws.push(raw);
  return raw;
}

/** Code of the ERR with which a host says goodbye to a raw peer. */
function goodbye(raw: RawPeer): string | undefined {
  const frame = raw.received.find(({ id, type }) => id === 0 && type === FrameType.ERR);
  return frame === undefined ? undefined : JSON.parse(Buffer.from(frame.payload).toString()).code;
}

const AFTER_HELLO: readonly [string, (raw: RawPeer) => void, string][] = [
  ["an unknown frame type", (raw) => raw.frame(1, 99), "network.protocolViolation"],
  [
    "a payload announced above the maximum",
    (raw) => raw.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 4)),
    "network.protocolViolation",
  ],
  ["DATA that opens an exchange", (raw) => raw.frame(1, FrameType.DATA, utf8("x")), "network.protocolViolation"],
  ["a HELLO that is not JSON", (raw) => raw.frame(0, FrameType.HELLO, utf8("{")), "network.protocolViolation"],
  ["an oversized PING", (raw) => raw.frame(0, FrameType.PING, new Uint8Array(65)), "network.protocolViolation"],
  [
    "a CREDIT of the wrong size",
    (raw) => {
      raw.frame(1, FrameType.REQ, utf8("hold"));
      raw.frame(1, FrameType.CREDIT, new Uint8Array(3));
    },
    "network.protocolViolation",
  ],
  [
    "more DATA than the window allows",
    (raw) => {
      raw.frame(1, FrameType.REQ, utf8("hold"));
      for (let i = 0; i < 10; i++) {
        raw.frame(1, FrameType.DATA, new Uint8Array(64 * 1024));
      }
    },
    "network.protocolViolation",
  ],
  [
    "a flood of empty DATA",
    (raw) => {
      raw.frame(1, FrameType.REQ, utf8("hold"));
      raw.send(Buffer.concat(Array.from({ length: 40_000 }, () => encodeFrame(1, FrameType.DATA))));
    },
    "network.protocolViolation",
  ],
  [
    "a flood of faulty offers",
    (raw) => raw.send(Buffer.concat(Array.from({ length: 60 }, () => encodeFrame(0, FrameType.OFFER, utf8("{}"))))),
    "network.linkClosed",
  ],
];

describe("a peer that breaks the protocol", () => {
  it.each(AFTER_HELLO)("loses its link, and nobody else does: %s", async (_what, misbehave, code) => {
    const host = await hosts.start("host");
    host.serve((exchange) => {
      if (exchange.opening.length === 4) {
        exchange.pause(); // "hold"
      } else {
        exchange.end();
      }
    });
    const honest = await hosts.start("honest");
    const link = await linkBetween(honest, host);
    const raw = await rawPeer(host);
    raw.hello();
    await until("the raw peer is linked", () => host.link(raw.peerId) !== undefined);
    misbehave(raw);
    await until("its link is gone", () => host.link(raw.peerId) === undefined && raw.ended);
    expect(goodbye(raw)).toBe(code);
    expect((await answerOf(link.open(utf8("still there?")))).outcome.kind).toBe("ended");
    expect(host.links().map((each) => each.peerId)).toEqual([honest.peerId]);
  });

  it("is cut off when it sends something else before HELLO", async () => {
    const host = await hosts.start("host");
    const raw = await rawPeer(host);
    raw.frame(1, FrameType.REQ, utf8("me first"));
    await until("the stream ended", () => raw.ended);
    expect(goodbye(raw)).toBe("network.protocolViolation");
    expect(host.links()).toEqual([]);
  });

  it("is cut off when it never says HELLO", async () => {
    const host = await hosts.start("host", { helloTimeoutMs: 200 });
    const raw = await rawPeer(host);
    await until("the stream ended", () => raw.ended);
    expect(goodbye(raw)).toBe("network.helloTimeout");
  });

  it("leaves a typed reason when it ends inside a frame", async () => {
    const host = await hosts.start("host");
    const raw = await rawPeer(host);
    raw.hello();
    await until("the raw peer is linked", () => host.link(raw.peerId) !== undefined);
    const reasons: string[] = [];
    host.link(raw.peerId)?.onClose((reason) => reasons.push(`${reason.code} ${reason.message}`));
    raw.send(encodeFrame(1, FrameType.REQ, utf8("cut in the middle")).subarray(0, 12));
    await raw.end();
    await until("the link closed", () => reasons.length === 1);
    expect(reasons[0]).toMatch(/^network\.linkClosed .*ended inside a frame/);
  });

  it("may send ignorable types, late frames and answers to nothing without harm", async () => {
    const host = await hosts.start("host");
    host.serve((exchange) => exchange.end());
    const raw = await rawPeer(host);
    raw.hello();
    raw.frame(1, FrameType.REQ, utf8("x"));
    raw.frame(1, FrameType.DATA, utf8("late"));
    raw.frame(1, FrameType.CANCEL);
    raw.frame(2, FrameType.DATA, utf8("an answer nobody asked for"));
    raw.frame(0, 0x80, utf8("extension"));
    raw.frame(0, FrameType.PONG, utf8("12345678"));
    raw.frame(3, FrameType.REQ, utf8("y"));
    await until("both were answered", () => raw.received.filter(({ type }) => type === FrameType.END).length === 2);
    expect(host.link(raw.peerId)?.closed).toBe(false);
    expect(host.problems).toEqual([]);
  });

  it("never brings the host down with random bytes", async () => {
    const host = await hosts.start("host");
    host.serve((exchange) => exchange.onFrame(() => {}));
    const honest = await hosts.start("honest");
    const link = await linkBetween(honest, host);
    const hello = encodeFrame(0, FrameType.HELLO, encodeMessage(RAW_HELLO));
    const samples = fc.sample(fc.tuple(fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 2000 })), {
      numRuns: 15,
      seed: 42,
    });
    for (const [afterHello, bytes] of samples) {
      const raw = await connectRawPeer(host);
      raw.send(afterHello ? Buffer.concat([hello, bytes]) : bytes);
      await raw.end();
      await until("the stream ended", () => raw.ended);
      await raw.stop();
    }
    host.serve((exchange) => exchange.end());
    expect((await answerOf(link.open(utf8("still there?")))).outcome.kind).toBe("ended");
  });
});
