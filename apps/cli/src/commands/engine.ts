import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  for (const name of packages) {
    bring(name, version, join(folder, "node_modules", name));
  }
  console.error(`Done. Start providers with --gpu ${device}.`);
}

/** Packed and unpacked into the tree: an ordinary install would obey the overrides that leave these packages out. */
function bring(name: string, version: string, target: string): void {
  const download = mkdtempSync(join(tmpdir(), "depinfer-engine-"));
  const run = (command: string, args: readonly string[]) =>
    spawnSync(command, args, {
      cwd: download,
      stdio: ["ignore", "inherit", "inherit"],
      shell: process.platform === "win32",
    }).status === 0;
  try {
    const archive = run("npm", ["pack", "--silent", `${name}@${version}`])
      ? readdirSync(download).find((file) => file.endsWith(".tgz"))
      : undefined;
    if (archive === undefined || !run("tar", ["xzf", archive])) {
      throw new DepinferError({
        code: "engine.download",
        message: `${name} ${version} could not be brought`,
        remedy: "Read the lines above; check the network and the free disk space, then run the command again",
        metadata: { package: name },
      });
    }
    rmSync(target, { recursive: true, force: true });
    cpSync(join(download, "package"), target, { recursive: true });
  } finally {
    rmSync(download, { recursive: true, force: true });
  }
}
