import { execFile } from "node:child_process";
import { readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { ChainError } from "./errors.ts";

/*
 * A parent that is killed leaves its anvil running, and two on one state file overwrite each other's blocks. So the ids
 * of both are written beside the state, and the next start stops what is left. An id alone proves nothing, because
 * systems use ids again: the process must have our state file among its arguments. It is left over when its parent is
 * no longer the one that started it.
 */

const run = promisify(execFile);
const WAIT_MS = 20_000;

export async function recordProcess(home: string, pid: number): Promise<void> {
  await writeFile(join(home, "anvil.pid"), `${pid} ${process.pid}\n`);
}

/**
 * Stops an anvil that an earlier run left behind on this state file; false when there is none.
 *
 * @throws ChainError `anvil.inUse` when the one who started it still runs.
 */
export async function stopLeftover(home: string, state: string): Promise<boolean> {
  const file = join(home, "anvil.pid");
  const [pid = 0, starter = 0] = (await readFile(file, "utf8").catch(() => "")).trim().split(" ").map(Number);
  const parent = await parentOf(pid, state);
  if (parent === undefined) {
    return false;
  }
  if (parent === starter) {
    throw inUse(pid, state, `started by process ${starter}`);
  }
  process.kill(pid, "SIGINT");
  for (const deadline = Date.now() + WAIT_MS; (await parentOf(pid, state)) !== undefined; await sleep(100)) {
    if (Date.now() > deadline) {
      throw inUse(pid, state, "which does not stop");
    }
  }
  await unlink(file);
  return true;
}

function inUse(pid: number, state: string, detail: string): ChainError {
  return new ChainError({
    code: "anvil.inUse",
    message: `${state} is in use by another local chain (process ${pid}), ${detail}`,
    remedy: "Stop that network first, or use another home folder",
    metadata: { pid, state },
  });
}

/** Parent of process `pid` if that is an anvil on our state file. */
async function parentOf(pid: number, state: string): Promise<number | undefined> {
  if (!Number.isSafeInteger(pid) || pid <= 1) {
    return undefined;
  }
  try {
    const { parent, args } = process.platform === "linux" ? await fromProc(pid) : await fromPs(pid);
    return args.includes("anvil") && args.includes(state) ? parent : undefined;
  } catch {
    // No such process, or a system that tells nothing about processes: then nothing is stopped.
    return undefined;
  }
}

interface ProcessInfo {
  readonly parent: number;
  readonly args: string;
}

/** Small container images have no `ps`, but every Linux has /proc. */
async function fromProc(pid: number): Promise<ProcessInfo> {
  const [args, status] = await Promise.all([
    readFile(`/proc/${pid}/cmdline`, "utf8"),
    readFile(`/proc/${pid}/status`, "utf8"),
  ]);
  return { parent: Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]), args };
}

async function fromPs(pid: number): Promise<ProcessInfo> {
  const { stdout } = await run("ps", ["-ww", "-p", `${pid}`, "-o", "ppid=,args="]);
  const [, parent, args = ""] = /^\s*(\d+)\s+(.*)/.exec(stdout) ?? [];
  return { parent: Number(parent), args };
}
