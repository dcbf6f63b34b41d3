import { expect, test } from "vitest";
import { readEvents, type StreamEvent } from "./event-stream.ts";

function bodyOf(chunks: readonly string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) {
        controller.enqueue(new TextEncoder().encode(chunk));
      }
      controller.close();
    },
  });
}

async function all(chunks: readonly string[]): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of readEvents(bodyOf(chunks))) {
    events.push(event);
  }
  return events;
}

test("events come out whole, however the bytes are cut", async () => {
  const text = ': hello\n\nevent: receipt\nid: 7\ndata: {"a":1}\ndata: é\n\ndata:[DONE]\r\n\r\n';
  const expected = [
    { event: "receipt", id: "7", data: '{"a":1}\né' },
    { event: "message", id: null, data: "[DONE]" },
  ];
  expect(await all([text])).toEqual(expected);
  expect(await all([...text])).toEqual(expected);
});

test("an event that was not ended is dropped, as the standard says", async () => {
  expect(await all(["data: whole\n\ndata: half"])).toEqual([{ event: "message", id: null, data: "whole" }]);
});
