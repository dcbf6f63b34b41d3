import { spawn } from "node:child_process";
import { BenchError } from "../bench-error.ts";

/** Processes of `depinfer up`: the command, its supervisor, 4 providers, 2 validators, the gateway and the indexer. */
const LIGHT = ["command", "supervisor", "gateway", "indexer"];
const WITH_ENGINE = ["provider", "provider", "provider", "provider", "validator", "validator"];

/**
 * Starts as many Node processes as a network has, all at once; each only loads the libraries that it cannot do
 * without, llama.cpp and libp2p, and ends. Returns the seconds that this took.
 */
export async function startBareProcesses(): Promise<number> {
  const started = performance.now();
  await Promise.all([
    ...LIGHT.map(() => runModule("./import-network.ts")),
    ...WITH_ENGINE.map(() => runModule("./import-engine.ts")),
  ]);
  return (performance.now() - started) / 1000;
}

function runModule(file: string): Promise<void> {
  const child = spawn(process.execPath, [new URL(file, import.meta.url).pathname], {
    stdio: "ignore",
    timeout: 120_000,
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0
        ? resolve()
        : reject(
            new BenchError({
              code: "bench.importFailed",
              message: `A process that only loads libraries ended with code ${code}`,
              remedy: "Run `npm run bootstrap` so that every library is installed",
              metadata: { file },
            }),
          ),
    );
  });
}
