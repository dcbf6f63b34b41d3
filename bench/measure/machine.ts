import { execFile } from "node:child_process";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** The project's folder. */
export const projectRoot = join(import.meta.dirname, "../..");

/** Where a figure was taken. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
  };
}

/** The commit that was measured, with `+` when the code outside `bench` differs from it; null outside a clone. */
export async function commit(): Promise<string | null> {
  const git = async (...args: string[]) => (await promisify(execFile)("git", args, { cwd: projectRoot })).stdout.trim();
  try {
    const changed = await git("status", "--porcelain", "--untracked-files=no", "--", ":!bench");
    return `${await git("rev-parse", "HEAD")}${changed === "" ? "" : "+"}`;
  } catch {
    // Not a clone, or no git: the figures stand without it.
    return null;
  }
}
