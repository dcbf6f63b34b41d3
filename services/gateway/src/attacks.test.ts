import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { says, startTestGateway, type TestGateway } from "./test-gateway.ts";

/* What hostile clients send to a real gateway: each is refused or cut off, and everybody else is answered. */

let running: TestGateway;
beforeAll(async () => {
  running = await startTestGateway({ headersTimeout: 400, requestTimeout: 1_200, mostConnections: 60 });
});
afterAll(() => running.stop());
beforeEach(() => running.standIn.reset());

/** A connection that says what it is told; resolves with all that came back once the gateway closes it. */
function raw(text: string | Buffer, keepOpen: (socket: Socket) => void = () => undefined): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(running.gateway.port, "127.0.0.1");
    let reply = "";
    socket.on("data", (chunk) => {
      reply += chunk.toString();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(reply));
    socket.write(text);
    keepOpen(socket);
  });
}

const head = (extra = "") =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${running.key}\r\n${extra}`;

async function stillAnswers(): Promise<void> {
  running.standIn.behave = says("fine");
  expect((await running.chat()).status).toBe(200);
}

describe("a client that is slow", () => {
  test("with its headers is cut off", async () => {
    const replies = await Promise.all(
      Array.from({ length: 40 }, () =>
        raw(head(), (socket) => {
          const drip = setInterval(() => socket.write("x: y\r\n"), 100);
          socket.on("close", () => clearInterval(drip));
        }),
      ),
    );
    expect(replies.every((reply) => reply === "" || reply.startsWith("HTTP/1.1 408"))).toBe(true);
    await stillAnswers();
  }, 20_000);

  test("with its body is cut off", async () => {
    const reply = await raw(`${head("content-length: 5000\r\n")}\r\n{`, (socket) => {
      const drip = setInterval(() => socket.write(" "), 100);
      socket.on("close", () => clearInterval(drip));
    });
    expect(reply === "" || /^HTTP\/1.1 4\d\d/.test(reply)).toBe(true);
    expect(running.standIn.asked).toEqual([]);
    await stillAnswers();
  }, 20_000);
});

describe("a client that sends too much", () => {
  test("in its headers is refused", async () => {
    expect(await raw(`${head(`x-long: ${"a".repeat(20_000)}\r\n`)}\r\n`)).toMatch(/^HTTP\/1.1 431/);
    const many = Array.from({ length: 400 }, (_, index) => `x-${index}: 1\r\n`).join("");
    expect(await raw(`${head(`${many}connection: close\r\ncontent-length: 2\r\n`)}\r\n{}`)).toMatch(/^HTTP\/1.1 431/);
    await stillAnswers();
  });

  test("in its body is refused, whether or not it says so, without keeping it in memory", async () => {
    const before = process.memoryUsage().rss;
    expect(await raw(`${head("content-length: 100000000\r\n")}\r\n{`)).toMatch(/^HTTP\/1.1 413/);
    const block = Buffer.alloc(65_536, 0x20);
    const reply = await raw(`${head("transfer-encoding: chunked\r\n")}\r\n`, (socket) => {
      let sent = 0;
      const more = () => {
        // A hundred megabytes, unless the gateway ends it.
        while (!socket.destroyed && sent < 1_600) {
          sent += 1;
          if (!socket.write(Buffer.concat([Buffer.from("10000\r\n"), block, Buffer.from("\r\n")]))) {
            socket.once("drain", more);
            return;
          }
        }
      };
      more();
    });
    expect(reply === "" || /^HTTP\/1.1 413/.test(reply)).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(80_000_000);
    expect(running.standIn.asked).toEqual([]);
    await stillAnswers();
  }, 30_000);

  test("in depth is refused before it is parsed", async () => {
    for (const body of ["[".repeat(5_000), `{"a":${"[".repeat(4_000)}${"]".repeat(4_000)}}`]) {
      const reply = await running.call("/v1/chat/completions", { method: "POST", body });
      expect(reply.status).toBe(400);
    }
    await stillAnswers();
  });
});

test("more connections than allowed are not accepted, and those that are go on", async () => {
  const sockets = Array.from({ length: 200 }, () => connect(running.gateway.port, "127.0.0.1"));
  for (const socket of sockets) {
    socket.on("error", () => undefined);
  }
  await expect
    .poll(() => sockets.filter((socket) => socket.destroyed).length, { timeout: 10_000 })
    .toBeGreaterThan(100);
  for (const socket of sockets) {
    socket.destroy();
  }
  await expect.poll(async () => (await running.call("/healthz").catch(() => null))?.status).toBe(200);
});

test.each([
  "\x00\x01\x02\r\n\r\n",
  "GET / HTTP/9.9\r\n\r\n",
  "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{}",
  "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  "GET /v1/models HTTP/1.1\r\n\r\n",
])("bytes that are no request are refused: %j", async (bytes) => {
  expect(await raw(bytes)).toMatch(/^HTTP\/1.1 4\d\d/);
  await stillAnswers();
});
