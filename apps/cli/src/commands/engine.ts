import { spawnSync } from "node:child_process";
import { DepinferError } from "@depinfer/protocol";
import { checkout } from "../home.ts";

const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "linux-x64 cuda": ["@node-llama-cpp/linux-x64-cuda", "@node-llama-cpp/linux-x64-cuda-ext"],
  "linux-x64 vulkan": ["@node-llama-cpp/linux-x64-vulkan"],
  "win32-x64 cuda": ["@node-llama-cpp/win-x64-cuda", "@node-llama-cpp/win-x64-cuda-ext"],
  "win32-x64 vulkan": ["@node-llama-cpp/win-x64-vulkan"],
};

/**
 * `depinfer engine add cuda|vulkan`: brings the engine's libraries for a GPU, several hundred megabytes, which the
 * normal installation leaves out.
 */
export function engineAdd(device: string, version: string): void {
  const packages = PACKAGES[`${process.platform}-${process.arch} ${device}`];
  if (packages === undefined) {
    throw new DepinferError({
      code: "engine.noBuild",
      message: `There is no prebuilt engine for ${device} on ${process.platform}-${process.arch}`,
      remedy:
        "Use `cuda` or `vulkan` on Linux or Windows x64; on Apple machines Metal is part of the normal installation",
      metadata: { device },
    });
  }
  const folder = checkout ?? process.cwd();
  console.error(`Bringing ${packages.join(" and ")} ${version}…`);
  // Packed and unpacked beside the lock file's tree: an ordinary install would obey the overrides that leave them out.
  for (const name of packages) {
    const target = `${folder}/node_modules/${name}`;
    const script = `set -e; rm -rf "${target}"; mkdir -p "${target}"; cd "${target}"; file=$(npm pack --silent "${name}@${version}"); tar xzf "$file" --strip-components=1; rm "$file"`;
    const { status } = spawnSync("sh", ["-c", script], { stdio: ["ignore", "inherit", "inherit"] });
    if (status !== 0) {
      throw new DepinferError({
        code: "engine.download",
        message: `${name} ${version} could not be brought`,
        remedy: "Read the lines above; check the network and the free disk space, then run the command again",
        metadata: { package: name },
      });
    }
  }
  console.error(`Done. Start providers with --gpu ${device}.`);
}
