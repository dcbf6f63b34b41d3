import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { DepinferError } from "@depinfer/protocol";

/** The process that holds a home, or undefined when none does. */
export function lockHolder(path: string): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
  return Number.isInteger(pid) && pid > 0 && isAlive(pid) ? pid : undefined;
}

/**
 * Takes a home for this process. A lock whose process is gone, after a power cut say, is taken over.
 *
 * @throws DepinferError `home.busy` when another network runs there.
 */
export function takeLock(path: string): () => void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const holder = lockHolder(path);
  if (holder !== undefined) {
    throw new DepinferError({
      code: "home.busy",
      message: `A network runs in ${dirname(path)} already, as process ${holder}`,
      remedy: "Use that one, stop it, or choose another folder with --home",
      metadata: { pid: holder },
    });
  }
  rmSync(path, { force: true });
  // Exclusive, in case another process is doing the same right now.
  const file = openSync(path, "wx", 0o600);
  writeSync(file, String(process.pid));
  closeSync(file);
  return () => rmSync(path, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
