import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { arch, platform, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { DepinferError } from "@depinfer/protocol";

/*
 * The engine ships one library per instruction-set family and loads the best that the processor can run, so that two
 * machines of different make compute with different rounding. Nothing in its interface chooses another one, but it
 * takes whatever lies in the folder of its platform's package. So it is shown a folder with one such library in it.
 */

/** The family that almost every x86-64 machine made since 2013 can run: AVX2, FMA, F16C, BMI2. */
export const PORTABLE_FAMILY = "haswell";
/** As the kernel names them; an AVX2 machine without one of them would be refused by the library itself. */
const NEEDED_FEATURES = ["avx2", "fma", "f16c", "bmi2"];

/** Whether this machine can load the portable family. Known on Linux; elsewhere the engine's own choice stands. */
export function runsPortableFamily(): boolean {
  if (platform() !== "linux" || arch() !== "x64") {
    return false;
  }
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" ") ?? [];
  return NEEDED_FEATURES.every((feature) => flags.includes(feature));
}

/** Families whose libraries the engine's package for this platform holds. */
export function shippedFamilies(): string[] {
  return readdirSync(join(binariesFolder(), folderName()))
    .flatMap((file) => CPU_LIBRARY.exec(file)?.[1] ?? [])
    .sort();
}

/**
 * Runs `load` while the engine sees only the library of one family. Once it is loaded the folder is not needed any more.
 *
 * @throws DepinferError `engine.unknownFamily`.
 */
export async function withOneFamily<Loaded>(family: string, load: () => Promise<Loaded>): Promise<Loaded> {
  const families = shippedFamilies();
  if (!families.includes(family)) {
    throw new DepinferError({
      code: "engine.unknownFamily",
      message: `The engine has no processor library "${family}" for ${folderName()}`,
      remedy: `Choose one of ${families.join(", ")}`,
      metadata: { family, families: families.join(" ") },
    });
  }
  const folder = mkdtempSync(join(tmpdir(), "depinfer-engine-"));
  try {
    const original = binariesFolder();
    showOneFamily(join(original, folderName()), join(folder, folderName()), family);
    const { version } = require(join(dirname(original), "package.json"));
    const source = `export const getBinsDir = () => (${JSON.stringify({ binsDir: folder, packageVersion: version })});`;
    const hooks = registerHooks({
      resolve(specifier, context, nextResolve) {
        return specifier === packageName()
          ? { url: `data:text/javascript,${encodeURIComponent(source)}`, format: "module", shortCircuit: true }
          : nextResolve(specifier, context);
      },
    });
    try {
      return await load();
    } finally {
      hooks.deregister();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const require = createRequire(import.meta.url);
const CPU_LIBRARY = /^libggml-cpu-([a-z0-9]+)\.so$/;

function folderName(): string {
  return `${platform()}-${arch()}`;
}

function packageName(): string {
  return `@node-llama-cpp/${folderName()}`;
}

function binariesFolder(): string {
  const engine = createRequire(pathToFileURL(require.resolve("node-llama-cpp")));
  return join(dirname(engine.resolve(packageName())), "..", "bins");
}

function showOneFamily(from: string, to: string, family: string): void {
  mkdirSync(to);
  for (const file of readdirSync(from)) {
    const other = CPU_LIBRARY.exec(file)?.[1];
    if (other === undefined || other === family) {
      link(join(from, file), join(to, file));
    }
  }
}

/** Links keep one copy in memory for all processes; not every file system has them. */
function link(from: string, to: string): void {
  try {
    symlinkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
