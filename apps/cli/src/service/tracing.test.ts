import type { Hex } from "@depinfer/protocol";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import { createTracing, idsOf } from "./tracing.ts";

const requestId: Hex = `0x${"0123456789abcdef".repeat(4)}`;

test("spans of two services that know only the request's id are one trace, below the span of the request", async () => {
  const [fromGateway, fromNode] = [keeper(), keeper()];
  const gateway = createTracing("gateway", "", () => undefined, fromGateway);
  const node = createTracing("node", "", () => undefined, fromNode);
  const at = 1_760_000_000_000;
  node.record({
    requestId,
    name: "answer",
    kind: "server",
    startedAt: at + 1,
    endedAt: at + 5,
    attributes: { model: "words", tokens: 7 },
    error: "it broke",
  });
  gateway.record({
    requestId,
    name: "POST /v1/chat/completions",
    kind: "server",
    root: true,
    startedAt: at,
    endedAt: at + 9,
    attributes: {},
  });
  await Promise.all([gateway.stop(), node.stop()]);
  const [[root], [answer]] = [fromGateway.kept, fromNode.kept];
  const ids = idsOf(requestId);
  expect(root?.spanContext()).toMatchObject({ traceId: ids.traceId, spanId: ids.spanId });
  expect(root?.parentSpanContext).toBeUndefined();
  expect(answer?.spanContext().traceId).toBe(ids.traceId);
  expect(answer?.parentSpanContext?.spanId).toBe(ids.spanId);
  expect(answer?.attributes).toMatchObject({ model: "words", tokens: 7, "depinfer.request": requestId });
  expect(answer?.status.message).toBe("it broke");
  expect(answer?.duration).toEqual([0, 4_000_000]);
  expect(answer?.resource.attributes["service.name"]).toBe("depinfer-node");
});

/** Keeps what it is given. */
function keeper(): SpanExporter & { readonly kept: ReadableSpan[] } {
  const kept: ReadableSpan[] = [];
  return {
    kept,
    export(spans, done) {
      kept.push(...spans);
      done({ code: 0 });
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
}
