import { setTimeout as sleep } from "node:timers/promises";
import { FRAME_HEADER_BYTES, FrameType, utf8 } from "@depinfer/protocol";
import { afterEach, describe, expect, it } from "vitest";
import type { Exchange } from "./index.ts";
import { answerOf, describeOutcome } from "./testing/answers.ts";
import { createTestHosts, linkBetween, QUIC, TCP, until } from "./testing/hosts.ts";

const hosts = createTestHosts();
afterEach(() => hosts.stopAll());

const WINDOW = 64 * 1024;
const CHUNK = new Uint8Array(1000).fill(7);

/** Sends `total` chunks as fast as the window allows. */
async function stream(exchange: Exchange, total: number, sent: { count: number }): Promise<void> {
  while (sent.count < total) {
    sent.count++;
    if (!exchange.send(FrameType.DATA, CHUNK)) {
      await exchange.drained();
    }
  }
  exchange.end();
}

describe.each([
  ["QUIC", QUIC],
  ["TCP with Noise", TCP],
])("flow control over %s", (_name, address) => {
  const pair = async () => {
    const gateway = await hosts.start("gateway", { listen: [address], windowBytes: WINDOW });
    const provider = await hosts.start("provider", { listen: [address] });
    return { provider, link: await linkBetween(gateway, provider) };
  };

  it("stops the sender of a paused request at one window and lets others pass", async () => {
    const { provider, link } = await pair();
    const sent = { count: 0 };
    provider.serve((exchange) => {
      if (exchange.opening.length > 0) {
        void stream(exchange, 1000, sent);
      } else {
        exchange.send(FrameType.DATA, CHUNK);
        exchange.end();
      }
    });
    const slow = link.open(utf8("long"));
    let got = 0;
    slow.pause();
    slow.onFrame((type, payload) => {
      got += type === FrameType.DATA ? payload.length : 0;
    });
    const outcome = new Promise<string>((resolve) => slow.onClose((result) => resolve(describeOutcome(result))));
    const windowChunks = Math.ceil(WINDOW / (CHUNK.length + FRAME_HEADER_BYTES));
    await until("the window is full", () => sent.count >= windowChunks);
    for (let i = 0; i < 20; i++) {
      expect((await answerOf(link.open(new Uint8Array(0)))).data.length).toBe(CHUNK.length);
    }
    await sleep(50);
    expect(sent.count, "chunks sent to a paused reader").toBe(windowChunks);
    expect(got).toBe(0);
    slow.resume();
    expect(await outcome).toBe("ended");
    expect(got).toBe(1000 * CHUNK.length);
  });

  it("keeps order and completeness for a reader that pauses again and again", async () => {
    const { provider, link } = await pair();
    provider.serve((exchange) => {
      const send = async () => {
        for (let i = 0; i < 5000; i++) {
          if (!exchange.send(FrameType.DATA, utf8(`${i} ${"x".repeat(i % 100)}`))) {
            await exchange.drained();
          }
        }
        exchange.end();
      };
      void send();
    });
    const exchange = link.open(utf8("go"));
    const numbers: number[] = [];
    exchange.onFrame((type, payload) => {
      if (type === FrameType.DATA) {
        numbers.push(Number.parseInt(Buffer.from(payload).toString(), 10));
        if (numbers.length % 97 === 0) {
          exchange.pause();
          setTimeout(() => exchange.resume(), 1);
        }
      }
    });
    await new Promise<void>((resolve) => exchange.onClose(() => resolve()));
    expect(numbers).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  });
});

describe("flow control", () => {
  const pair = async () => {
    const gateway = await hosts.start("gateway", { windowBytes: WINDOW });
    const provider = await hosts.start("provider");
    return { provider, link: await linkBetween(gateway, provider) };
  };

  it("passes a frame that is larger than the window", async () => {
    const { provider, link } = await pair();
    const large = Buffer.alloc(10 * WINDOW, "abc");
    provider.serve((exchange) => {
      exchange.send(FrameType.DATA, large);
      exchange.send(FrameType.DATA, large);
      exchange.end();
    });
    const { data, outcome } = await answerOf(link.open(utf8("x")));
    expect(outcome.kind).toBe("ended");
    expect(data.equals(Buffer.concat([large, large]))).toBe(true);
  });

  it("wakes a waiting sender with an error when the reader cancels", async () => {
    const { provider, link } = await pair();
    let failure: unknown;
    provider.serve((exchange) => {
      stream(exchange, 1000, { count: 0 }).catch((error: unknown) => {
        failure = error;
      });
    });
    const exchange = link.open(utf8("x"));
    exchange.pause();
    await until("the sender waits", () => provider.links()[0]?.openExchanges === 1);
    await sleep(30);
    exchange.cancel("enough");
    await until("the sender was woken", () => failure !== undefined);
    expect(failure).toMatchObject({ code: "network.exchangeClosed" });
  });

  it("fails the exchange of a sender that never waits, and only that one", async () => {
    const { provider, link } = await pair();
    provider.serve((exchange) => {
      if (exchange.opening.length === 0) {
        exchange.end();
        return;
      }
      const chunk = new Uint8Array(1024 * 1024);
      for (let i = 0; i < 20; i++) {
        exchange.send(FrameType.DATA, chunk);
      }
    });
    const greedy = link.open(utf8("flood"));
    greedy.pause();
    const outcome = new Promise<string>((resolve) => greedy.onClose((result) => resolve(describeOutcome(result))));
    greedy.onFrame(() => {});
    expect((await answerOf(link.open(new Uint8Array(0)))).outcome.kind).toBe("ended");
    greedy.resume();
    expect(await outcome).toBe("failed: network.sendBufferFull");
  });
});
