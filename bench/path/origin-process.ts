/*
 * What stands behind the two bare hops: answers at once with bytes made beforehand. Its processor time is not counted,
 * as the zero-cost engine's is not.
 */
import { createServer, type ServerResponse } from "node:http";
import { serveWorker } from "../measure/serve-worker.ts";
import { ANSWER_BODY, ANSWER_EVENTS, HELD_OPEN, HELD_TOKEN_MS, ONE_PER_TURN } from "./answer-script.ts";

const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString("latin1");
    if (!body.includes('"stream":true')) {
      response.writeHead(200, { "content-type": "application/json", "content-length": ANSWER_BODY.length });
      response.end(ANSWER_BODY);
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (body.includes(HELD_OPEN)) {
      holdOpen(response);
    } else {
      streamEvents(response, body.includes(ONE_PER_TURN));
    }
  });
});

function streamEvents(response: ServerResponse, paced: boolean): void {
  let next = 0;
  const step = () => {
    do {
      response.write(ANSWER_EVENTS[next]);
      next += 1;
    } while (!paced && next < ANSWER_EVENTS.length);
    if (next === ANSWER_EVENTS.length) {
      response.end();
    } else if (!response.destroyed) {
      setImmediate(step);
    }
  };
  step();
}

function holdOpen(response: ServerResponse): void {
  let next = 0;
  const timer = setInterval(() => {
    response.write(ANSWER_EVENTS[next]);
    next += 1;
    if (next === ANSWER_EVENTS.length) {
      response.end();
    }
  }, HELD_TOKEN_MS);
  response.on("close", () => clearInterval(timer));
}

await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();
const port = address !== null && typeof address === "object" ? address.port : 0;
serveWorker({ info: () => ({ port }) });
