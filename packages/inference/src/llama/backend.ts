import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { getLlama, type Llama, LlamaLogLevel } from "node-llama-cpp";
import { PORTABLE_FAMILY, runsPortableFamily, withOneFamily } from "./portable-library.ts";

/** Where layers may be computed; the libraries come with `depinfer engine add`, Metal with macOS. */
export type GpuDevice = "cuda" | "vulkan" | "metal";

/**
 * Which of the engine's processor libraries computes: `portable` is the AVX2 one that almost every x86-64 machine can
 * load, so that machines of different make belong to one runtime class; `native` is the fastest here, a class of its
 * own; any other value names a library.
 */
export type CpuLibrary = "portable" | "native" | (string & {});

export interface BackendOptions {
  readonly gpu: GpuDevice | false;
  readonly cpuLibrary: CpuLibrary;
}

let loaded: { readonly options: BackendOptions; readonly llama: Promise<Llama> } | undefined;

/**
 * The engine's library, loaded once per process. One thread by default: on a busy two-core machine two threads were
 * measured to be 7 to 75 times slower, since they wait for each other at every layer.
 *
 * @throws DepinferError `engine.unavailable`, `engine.unknownFamily`, or `engine.alreadyLoaded` when this process
 * computes with another library.
 */
export function loadBackend(options: BackendOptions): Promise<Llama> {
  if (loaded === undefined) {
    const llama = load(options);
    loaded = { options, llama };
    llama.catch(() => {
      loaded = undefined;
    });
    return llama;
  }
  const { gpu, cpuLibrary } = loaded.options;
  if (gpu !== options.gpu || cpuLibrary !== options.cpuLibrary) {
    throw new DepinferError({
      code: "engine.alreadyLoaded",
      message: `This process computes with ${describe(loaded.options)} and cannot load ${describe(options)} as well`,
      remedy: "Use another process for it",
      metadata: { loaded: describe(loaded.options), wanted: describe(options) },
    });
  }
  return loaded.llama;
}

function describe({ gpu, cpuLibrary }: BackendOptions): string {
  return gpu === false ? `the ${cpuLibrary} processor library` : gpu;
}

async function load({ gpu, cpuLibrary }: BackendOptions): Promise<Llama> {
  const open = () =>
    getLlama({ gpu, build: "never", progressLogs: false, logLevel: LlamaLogLevel.error, maxThreads: 1 });
  const family = familyFor(gpu, cpuLibrary);
  try {
    return await (family === null ? open() : withOneFamily(family, open));
  } catch (cause) {
    if (cause instanceof DepinferError) {
      throw cause;
    }
    throw new DepinferError({
      code: "engine.unavailable",
      message: `The llama.cpp library could not be loaded: ${errorMessage(cause)}`,
      remedy:
        gpu === false
          ? "Run `npm run bootstrap` again so that the engine for this platform is installed"
          : `Run \`npx depinfer engine add ${gpu}\` and check the device's driver, or leave --gpu out`,
      cause,
    });
  }
}

/** The family to force, or null where the engine chooses. */
function familyFor(gpu: GpuDevice | false, cpuLibrary: CpuLibrary): string | null {
  if (gpu !== false || cpuLibrary === "native") {
    return null;
  }
  if (cpuLibrary === "portable") {
    return runsPortableFamily() ? PORTABLE_FAMILY : null;
  }
  return cpuLibrary;
}

/**
 * Device and instruction-set family that computes, such as `cpu/haswell`. Results of different families may differ as
 * much as a step of quantisation, so it is part of the runtime class. Linux tells which library is mapped into the
 * process; elsewhere the reported features stand for it.
 */
export function backendFamily(llama: Llama): string {
  const device = llama.gpu === false ? "cpu" : llama.gpu;
  const maps = "/proc/self/maps";
  const family = existsSync(maps) ? /libggml-cpu-([a-z0-9]+)\.so/.exec(readFileSync(maps, "utf8"))?.[1] : undefined;
  return `${device}/${family ?? createHash("sha256").update(llama.systemInfo).digest("hex").slice(0, 16)}`;
}
