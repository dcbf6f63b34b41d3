import { DepinferError, encodeMessage, FrameType } from "@depinfer/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { query } from "./query.ts";
import { createTestHosts, linkBetween } from "./testing/hosts.ts";

const hosts = createTestHosts();
afterEach(() => hosts.stopAll());

const answerSchema = z.strictObject({ receipts: z.int() });

describe("a query", () => {
  it("gives the answer, or the error of the other side, or says that there was none", async () => {
    const gateway = await hosts.start("gateway");
    const provider = await hosts.start("provider");
    const link = await linkBetween(gateway, provider);
    const ask = (epoch: number) => query(link, { method: "epoch", epoch }, answerSchema);
    provider.serve((exchange) => {
      const { epoch } = JSON.parse(Buffer.from(exchange.opening).toString());
      if (epoch === 3) {
        exchange.fail(
          new DepinferError({ code: "epoch.unknown", message: "no such epoch", remedy: "Ask for another" }),
        );
        return;
      }
      if (epoch !== 4) {
        exchange.send(FrameType.RESULT, encodeMessage({ receipts: epoch === 1 ? 7 : "many" }));
      }
      exchange.end();
    });
    expect(await ask(1)).toEqual({ receipts: 7 });
    await expect(ask(2)).rejects.toMatchObject({ code: "message.malformed" });
    await expect(ask(3)).rejects.toMatchObject({ code: "epoch.unknown" });
    await expect(ask(4)).rejects.toMatchObject({ code: "query.unanswered", retryable: true });
    provider.link(gateway.peerId)?.close();
    await expect(ask(5)).rejects.toMatchObject({ code: "network.linkClosed", retryable: true });
  });
});
