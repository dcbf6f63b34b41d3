import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Log } from "@depinfer/protocol";
import sirv from "sirv";
import { checkout } from "../home.ts";

/** The dashboard's files. */
export interface AppFiles {
  serve(request: IncomingMessage, response: ServerResponse): void;
  /** Resolves when the files are there, or cannot be made. */
  readonly settled: Promise<void>;
  /** Ends a build that is under way. */
  stop(): void;
}

const BUILD = import.meta.resolve("@depinfer/dashboard/build");
/** Where built files are, in a checkout and in what is shipped. */
const DIST = join(dirname(fileURLToPath(BUILD)), "dist");

/** Files in a folder; `build` makes them first, while a page that looks again by itself is shown. */
export function createAppFiles(log: Log, folder: string = DIST, build: Build | null = ownBuild(log)): AppFiles {
  let state: "building" | "failed" | ReturnType<typeof sirv> = "building";
  const done = () => {
    state = existsSync(join(folder, "index.html")) ? filesOf(folder, build !== null) : "failed";
  };
  if (build === null) {
    done();
  }
  const settled =
    build === null
      ? Promise.resolve()
      : build.ended.then((built) => {
          done();
          if (!built && state !== "failed") {
            log("warn", "the dashboard could not be built; an earlier build of it is served");
          }
        });
  return {
    settled,
    stop: () => build?.stop(),
    serve(request, response) {
      if (typeof state === "function") {
        state(request, response, () => sendMissing(request, response));
      } else {
        sendWaiting(response, state === "building");
      }
    },
  };
}

/** A build that runs. */
export interface Build {
  /** Whether it succeeded. */
  readonly ended: Promise<boolean>;
  stop(): void;
}

/** Builds the app from the sources of a checkout, in a process of its own: the bundler's memory goes with it. */
function ownBuild(log: Log): Build | null {
  if (checkout === undefined || !existsSync(join(checkout, "apps/dashboard/src"))) {
    return null;
  }
  const script = `import(process.argv[1])
    .then(({ buildDashboard }) => buildDashboard(console.log))
    .catch(({ message }) => { console.error(message); process.exit(1); });`;
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--conditions=source", "--input-type=module", "-e", script, BUILD],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } },
  );
  createInterface({ input: child.stdout }).on("line", (line) => log("info", line));
  createInterface({ input: child.stderr }).on("line", (line) => log("warn", line));
  return {
    ended: new Promise((resolve) => {
      child.once("error", () => resolve(false));
      child.once("exit", (code) => resolve(code === 0));
    }),
    stop: () => child.kill(),
  };
}

const YEAR = 31_536_000;

/** @param changing whether another process may build them anew meanwhile; then they are looked up at each request. */
function filesOf(folder: string, changing: boolean): ReturnType<typeof sirv> {
  return sirv(folder, {
    dev: changing,
    etag: true,
    brotli: true,
    gzip: true,
    setHeaders(response, path) {
      // What the bundler names by its content never changes; everything else may with the next build.
      const forever = path.startsWith("/assets/");
      response.setHeader("cache-control", forever ? `public, max-age=${YEAR}, immutable` : "no-cache");
    },
  });
}

/** Pages are chosen by what follows the `#`, so that every path that is no file is the app. */
function sendMissing({ url = "/" }: IncomingMessage, response: ServerResponse): void {
  const path = url.split("?", 1)[0] ?? "/";
  if (path === "/" || path.startsWith("/assets/") || /\.[a-z0-9]+$/i.test(path)) {
    sendText(response, 404, "text/plain", "There is no such file.\n");
  } else {
    // The app's files are named relative to its page, so it has to stand at the top.
    response.writeHead(302, { location: "/", "cache-control": "no-cache" }).end();
  }
}

function sendWaiting(response: ServerResponse, building: boolean): void {
  const text = building
    ? "<p>The dashboard is being built from its sources. This page looks again by itself.</p>"
    : "<p>The dashboard could not be built. The log of the service <code>dashboard</code> says why; <code>npm install</code> gets what it needs.</p>";
  response.setHeader("retry-after", "2");
  sendText(
    response,
    503,
    "text/html",
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">${building ? '<meta http-equiv="refresh" content="1">' : ""}<title>Depinfer</title>${text}</html>\n`,
  );
}

function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    "content-type": `${type}; charset=utf-8`,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}
