#!/usr/bin/env node
// Lets forge drive npm's soljson: answers `--version` and `--standard-json`, which is all that forge asks of a compiler.
// Loading soljson takes seconds, so the version is cached, keyed by the npm package's own version.
const fs = require("node:fs");
const path = require("node:path");

const cacheFile = path.join(__dirname, ".solc-version");
const packageVersion = require("solc/package.json").version;

function version() {
  try {
    const [cachedFor, answer] = fs.readFileSync(cacheFile, "utf8").split("\n");
    if (cachedFor === packageVersion && answer) return answer;
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  const answer = require("solc").version().replace(".Emscripten.clang", ".Linux.g++");
  fs.writeFileSync(cacheFile, `${packageVersion}\n${answer}\n`);
  return answer;
}

if (process.argv.includes("--version")) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version()}\n`);
} else {
  const input = fs.readFileSync(0, "utf8");
  process.stdout.write(require("solc").compile(input));
}
