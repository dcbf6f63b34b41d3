/*
 * A bare Node hop, the least that a gateway or a provider could be: node:http in front, undici's dispatch behind, and
 * bytes passed through. Argument: URL of what lies behind it.
 */
import { createServer } from "node:http";
import { Pool } from "undici";
import { serveWorker } from "../measure/serve-worker.ts";

const [behind = ""] = process.argv.slice(2);
const pool = new Pool(behind, { connections: 1_200, pipelining: 1 });
const headers = { "content-type": "application/json", authorization: "Bearer sk-bench" };

const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    // Even the least gateway looks at the model's name.
    JSON.parse(body.toString());
    pool.dispatch(
      { path: "/v1/chat/completions", method: "POST", headers, body },
      {
        onRequestStart: () => undefined,
        onResponseStart(_controller, status, answered) {
          const passed = ["content-type", "content-length"].flatMap((name) => {
            const value = answered[name];
            return value === undefined ? [] : [[name, value] as const];
          });
          response.writeHead(status, Object.fromEntries(passed));
        },
        onResponseData(controller, chunk) {
          if (!response.write(chunk)) {
            controller.pause();
            response.once("drain", () => controller.resume());
          }
        },
        onResponseEnd: () => response.end(),
        onResponseError(_controller, error) {
          if (!response.headersSent) {
            response.writeHead(502);
          }
          response.end(error.message);
        },
      },
    );
  });
});

await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();
const port = address !== null && typeof address === "object" ? address.port : 0;
serveWorker({ info: () => ({ port }) });
