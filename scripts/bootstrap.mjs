// Installs the dependencies when they are missing or older than the lock file, so that a fresh clone needs
// nothing but Node >= 20 and npm. `npm ci` runs under Node 24: an older npm host silently skips platform
// packages whose `engines` ask for a newer Node. Plain JavaScript, because Node 20 cannot strip types.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const stamp = join(modules, ".bootstrap");
const major = Number(process.versions.node.split(".")[0]);

if (major < 20) {
  fail(`Node ${process.versions.node} is too old`, "install Node 20 or newer");
}

const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const installed = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
if (installed !== wanted) {
  install();
}

function install() {
  const npm = process.env.npm_execpath;
  if (!npm) {
    fail(
      "npm did not say where it is (npm_execpath is not set)",
      "run this through `npm start`, `npm test` or `npm run bootstrap`",
    );
  }
  const started = Date.now();
  console.error("Installing dependencies (first run only, about a minute)…");
  const { npm_config_production: _, ...env } = process.env;
  const ci =
    major >= 24
      ? spawnSync(process.execPath, [npm, "ci", "--no-audit", "--no-fund"], {
          cwd: root,
          stdio: ["ignore", "inherit", "inherit"],
          env,
        })
      : spawnSync(
          process.execPath,
          [npm, "exec", "--yes", "--package=node@24", "--", "node", npm, "ci", "--no-audit", "--no-fund"],
          {
            cwd: root,
            stdio: ["ignore", "inherit", "inherit"],
            env,
          },
        );
  if (ci.status !== 0) {
    fail(
      `npm ci ended with ${ci.status ?? ci.signal}`,
      "read the lines above; check the network and free disk space, then run the same command again",
    );
  }
  dropForeignEngines();
  writeFileSync(stamp, wanted);
  console.error(`Dependencies installed in ${((Date.now() - started) / 1000).toFixed(0)} s.`);
}

/**
 * llama.cpp's Linux builds are published without a processor field, so npm installs all of them (20 MB each); ONNX
 * Runtime brings the libraries of every system in one package (288 MB).
 */
function dropForeignEngines() {
  const engines = join(modules, "@node-llama-cpp");
  const own = { x64: "linux-x64", arm64: "linux-arm64", arm: "linux-armv7l" }[process.arch];
  for (const name of existsSync(engines) ? readdirSync(engines) : []) {
    if (/^linux-(x64|arm64|armv7l|riscv64)$/.test(name) && name !== own) {
      rmSync(join(engines, name), { recursive: true, force: true });
    }
  }
  const tensors = join(modules, "onnxruntime-node/bin/napi-v6");
  for (const system of existsSync(tensors) ? readdirSync(tensors) : []) {
    for (const processor of readdirSync(join(tensors, system))) {
      if (system !== process.platform || processor !== process.arch) {
        rmSync(join(tensors, system, processor), { recursive: true, force: true });
      }
    }
  }
}

function fail(what, remedy) {
  console.error(`depinfer: ${what}.\n  To fix: ${remedy}.`);
  process.exit(1);
}
