/*
 * The answering side of the network benchmark, in a process of its own: one libp2p host that answers every exchange
 * with DATA and END, and one plain HTTP server that answers with the same bytes.
 */
import { createServer } from "node:http";
import { createHost } from "@depinfer/network";
import { FrameType } from "@depinfer/protocol";
import { serveWorker } from "../measure/serve-worker.ts";
import { ANSWER, PIECE, piecesWanted } from "./messages.ts";

const host = createHost({}, { seed: new Uint8Array(32).fill(2), role: "provider", discovery: false });
host.serve((exchange) => {
  exchange.onFrame(() => undefined);
  const pieces = piecesWanted(exchange.opening);
  if (pieces === 0) {
    exchange.send(FrameType.DATA, ANSWER);
    exchange.end();
    return;
  }
  let sent = 0;
  // One piece per turn, as an engine gives tokens: what is sent in one turn would be one write.
  const step = () => {
    if (exchange.closed) {
      return;
    }
    const room = exchange.send(FrameType.DATA, PIECE);
    sent += 1;
    if (sent === pieces) {
      exchange.end();
    } else if (room) {
      setImmediate(step);
    } else {
      exchange.drained().then(step, () => undefined);
    }
  };
  step();
});
await host.start();

const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const pieces = piecesWanted(Buffer.concat(chunks));
    if (pieces === 0) {
      response.end(ANSWER);
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    let sent = 0;
    const step = () => {
      response.write(PIECE);
      sent += 1;
      if (sent === pieces) {
        response.end();
      } else {
        setImmediate(step);
      }
    };
    step();
  });
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();

serveWorker(
  {
    addresses: () => ({
      libp2p: host.addresses,
      http: `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`,
    }),
  },
  () => host.stop(),
);
