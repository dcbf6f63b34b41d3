/*
 * Portkey's gateway as its package starts it, for comparison. Argument: port. What stands behind it is named by the headers
 * of each request.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { serveWorker } from "../measure/serve-worker.ts";

const [port = "0"] = process.argv.slice(2);
const folder = createRequire(import.meta.url).resolve("@portkey-ai/gateway/package.json");
process.argv.push(`--port=${port}`, "--headless");
await import(new URL("build/start-server.js", pathToFileURL(folder)).href);

serveWorker({ info: () => ({ port: Number(port) }) });
