import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { getLlama, type Llama, LlamaLogLevel } from "node-llama-cpp";

/** Where layers may be computed; the libraries come with `depinfer engine add`, Metal with macOS. */
export type GpuDevice = "cuda" | "vulkan" | "metal";

let loading: Promise<Llama> | undefined;

/**
 * The engine's library, loaded once per process. One thread by default: on a busy two-core machine two threads were
 * measured to be 7 to 75 times slower, since they wait for each other at every layer.
 */
export function loadBackend(gpu: GpuDevice | false): Promise<Llama> {
  loading ??= getLlama({
    gpu,
    build: "never",
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    maxThreads: 1,
  }).catch((cause: unknown) => {
    loading = undefined;
    throw new DepinferError({
      code: "engine.unavailable",
      message: `The llama.cpp library could not be loaded: ${errorMessage(cause)}`,
      remedy:
        gpu === false
          ? "Run `npm run bootstrap` again so that the engine for this platform is installed"
          : `Run \`npx depinfer engine add ${gpu}\` and check the device's driver, or leave --gpu out`,
      cause,
    });
  });
  return loading;
}

/**
 * Device and instruction-set family that the engine chose, such as `cpu/haswell`. The engine ships one library per
 * family and their results differ as much as a step of quantisation, so it is part of the runtime class. Linux tells
 * which one is mapped into the process; elsewhere the reported features stand for it.
 */
export function backendFamily(llama: Llama): string {
  const device = llama.gpu === false ? "cpu" : llama.gpu;
  const maps = "/proc/self/maps";
  const family = existsSync(maps) ? /libggml-cpu-([a-z0-9]+)\.so/.exec(readFileSync(maps, "utf8"))?.[1] : undefined;
  return `${device}/${family ?? createHash("sha256").update(llama.systemInfo).digest("hex").slice(0, 16)}`;
}
