#!/usr/bin/env node
// Runs the command line on a Node that strips types: this one, or the workspace's own Node 24.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "../src/main.ts");
const fromSource = existsSync(source);
const major = Number(process.versions.node.split(".")[0]);
const ownNode = dirname(createRequire(import.meta.url).resolve("node/package.json"));
const node = major >= 24 ? process.execPath : join(ownNode, "bin/node");
const flags = ["--disable-warning=ExperimentalWarning", ...(fromSource ? ["--conditions=source"] : [])];

// Compiled code is kept between processes: a network starts eight of them, and they share most of what they load.
process.env.NODE_COMPILE_CACHE ??= join(ownNode, "../.cache/depinfer");

const child = spawn(node, [...flags, fromSource ? source : join(here, "../dist/main.js"), ...process.argv.slice(2)], {
  stdio: "inherit",
});
// The child gets a terminal's Ctrl-C itself; signals sent to this process alone are passed on.
for (const signal of ["SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
process.on("SIGINT", () => undefined);
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
});
child.on("error", (error) => {
  console.error(
    `depinfer: ${node} cannot be started: ${error.message}.\n  To fix: run \`npm run bootstrap\` in the project's folder.`,
  );
  process.exitCode = 1;
});
