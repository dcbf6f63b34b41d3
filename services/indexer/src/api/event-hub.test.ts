import { createServer, request, type Server } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEventHub, type EventHub } from "./event-hub.ts";

let hub: EventHub;
let server: Server;
let port = 0;

beforeEach(async () => {
  hub = createEventHub(1);
  server = createServer((incoming, response) => {
    if (!hub.subscribe(incoming, response)) {
      response.writeHead(503).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = address !== null && typeof address === "object" ? address.port : 0;
});
afterEach(async () => {
  hub.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

interface Reading {
  readonly text: () => string;
  readonly closed: () => boolean;
  pause(): void;
  stop(): void;
}

function read(headers: Record<string, string> = {}): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, host: "127.0.0.1", headers }, (response) => {
      let text = "";
      let closed = false;
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("close", () => {
        closed = true;
      });
      response.on("error", () => undefined);
      resolve({
        text: () => text,
        closed: () => closed,
        pause: () => response.pause(),
        stop: () => outgoing.destroy(),
      });
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

test("readers get what happens, and what they missed when they come back", async () => {
  const reading = await read();
  hub.publish("audit", { tokens: 3n });
  await expect.poll(reading.text).toContain('event: audit\nid: 1001\ndata: {"tokens":"3"}\n\n');
  reading.stop();
  hub.publish("audit", { number: 2 });
  hub.publish("audit", { number: 3 });
  const back = await read({ "last-event-id": "1001" });
  await expect.poll(back.text).toContain('{"number":3}');
  expect(back.text()).toContain('id: 1002\ndata: {"number":2}');
  expect(back.text()).not.toContain("id: 1001");
});

test.each([
  ["too old", "999"],
  ["of another process", "7000000000001"],
])("who comes back with an id that is %s is told to ask anew", async (_, id) => {
  hub.publish("block", {});
  const reading = await read({ "last-event-id": id });
  await expect.poll(reading.text).toContain("event: reset");
});

test("what happened long ago is forgotten, and said to be", async () => {
  for (let number = 0; number < 1_200; number++) {
    hub.publish("block", { number });
  }
  const behind = await read({ "last-event-id": "1100" });
  await expect.poll(behind.text).toContain("event: reset");
  const close = await read({ "last-event-id": "2190" });
  await expect.poll(close.text).toContain('{"number":1199}');
  expect(close.text()).not.toContain("reset");
});

test("a reader that does not read is cut off, and the others are not", async () => {
  const slow = await read();
  slow.pause();
  const quick = await read();
  const large = "x".repeat(200_000);
  for (let number = 0; number < 100 && !slow.closed(); number++) {
    hub.publish("block", { large, number });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  hub.publish("block", { last: true });
  await expect.poll(quick.text).toContain('{"last":true}');
  slow.stop();
  await expect.poll(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(1);
});

test("more readers than there is room for are refused", async () => {
  const readings = await Promise.all(Array.from({ length: 256 }, () => read()));
  const status = await new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1" }, (response) => resolve(response.statusCode))
      .on("error", reject)
      .end();
  });
  expect(status).toBe(503);
  for (const reading of readings) {
    reading.stop();
  }
});
