/*
 * The load generator: closed loop, one kept connection per client, on bare sockets, so that it costs little beside
 * what it measures.
 */
import { connect, type Socket } from "node:net";
import type { z } from "zod";
import { serveWorker } from "../measure/serve-worker.ts";
import { median, percentile } from "../measure/statistics.ts";
import { type LoadResult, loadPlan } from "./load.ts";

const HEAD_END = Buffer.from("\r\n\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

interface Answer {
  readonly totalMs: number;
  readonly firstByteMs: number;
  readonly failure: string | null;
}

/** Reads one answer from the bytes of a connection; done when `take` returns it. */
function createReader(startedAt: number): { take(bytes: Buffer): Answer | null } {
  let received: Buffer = Buffer.alloc(0);
  let bodyStart = -1;
  let length: number | null = null;
  let firstByteAt = 0;
  return {
    take(bytes) {
      received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
      if (bodyStart < 0) {
        const end = received.indexOf(HEAD_END);
        if (end < 0) {
          return null;
        }
        bodyStart = end + HEAD_END.length;
        const announced = /content-length: *(\d+)/i.exec(received.toString("latin1", 0, end))?.[1];
        length = announced === undefined ? null : Number(announced);
      }
      const body = received.length - bodyStart;
      if (firstByteAt === 0 && body > 0) {
        firstByteAt = performance.now();
      }
      const whole = length === null ? received.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK) : body >= length;
      return whole
        ? {
            totalMs: performance.now() - startedAt,
            firstByteMs: firstByteAt - startedAt,
            failure: received.toString("latin1", 0, 12) === "HTTP/1.1 200" ? null : received.toString("latin1", 0, 600),
          }
        : null;
    },
  };
}

/** One client: asks again as soon as it has been answered, until time is up. */
function client(
  { port }: { readonly port: number },
  request: Buffer,
  until: number,
  onAnswer: (answer: Answer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let reader = createReader(0);
    const ask = () => {
      if (performance.now() >= until) {
        socket.destroy();
        return;
      }
      reader = createReader(performance.now());
      socket.write(request);
    };
    socket.on("connect", ask);
    socket.on("data", (bytes) => {
      const answer = reader.take(bytes);
      if (answer !== null) {
        onAnswer(answer);
        ask();
      }
    });
    socket.on("error", reject);
    socket.on("close", () => resolve());
  });
}

function requestOf({ authorization, headers, body }: z.output<typeof loadPlan>): Buffer {
  return Buffer.from(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: ${authorization}\r\n${headers}` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

async function load(plan: z.output<typeof loadPlan>): Promise<LoadResult> {
  const { clients, seconds } = plan;
  const request = requestOf(plan);
  const answers: Answer[] = [];
  const started = performance.now();
  const until = started + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, () => client(plan, request, until, (answer) => answers.push(answer))),
  );
  const elapsed = (performance.now() - started) / 1000;
  const whole = answers.filter(({ failure }) => failure === null);
  const failures = answers.flatMap(({ failure }) => (failure === null ? [] : [failure]));
  const totals = whole.map(({ totalMs }) => totalMs);
  return {
    requests: whole.length,
    seconds: elapsed,
    p50Ms: median(totals),
    p99Ms: percentile(totals, 0.99),
    ttfbP50Ms: median(whole.map(({ firstByteMs }) => firstByteMs)),
    failed: failures.length,
    firstFailure: failures[0] ?? "",
  };
}

/** Connections that are held open. */
const held: Socket[] = [];

/** Opens streams and resolves with how many of them had a first byte of their body in time. */
async function hold(plan: z.output<typeof loadPlan>): Promise<number> {
  const request = requestOf(plan);
  const started = Array.from({ length: plan.clients }, () => {
    const socket = connect({ port: plan.port, host: "127.0.0.1", noDelay: true });
    held.push(socket);
    return new Promise<boolean>((resolve) => {
      const late = setTimeout(() => resolve(false), plan.seconds * 1000);
      let received = "";
      socket.on("connect", () => socket.write(request));
      socket.on("data", (bytes: Buffer) => {
        // Heads are short, and the first event is all that is waited for.
        received = received.length < 10_000 ? received + bytes.toString("latin1") : received;
        if (received.startsWith("HTTP/1.1 200") && received.includes("data: ")) {
          clearTimeout(late);
          resolve(true);
        }
      });
      socket.on("error", () => resolve(false));
    });
  });
  return (await Promise.all(started)).filter(Boolean).length;
}

function letGo(): null {
  for (const socket of held.splice(0)) {
    socket.destroy();
  }
  return null;
}

serveWorker({
  load: (argument) => load(loadPlan.parse(argument)),
  hold: (argument) => hold(loadPlan.parse(argument)),
  letGo,
});
