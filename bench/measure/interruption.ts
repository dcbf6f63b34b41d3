/** What has to be undone when somebody stops the bench: the newest first. */
const pending = new Set<() => Promise<void> | void>();
let listening = false;

/**
 * Has `undo` called when the bench is stopped by Ctrl-C or SIGTERM, so that no process and no folder of its outlives
 * it. Returns what forgets it again.
 */
export function undoWhenStopped(undo: () => Promise<void> | void): () => void {
  if (!listening) {
    listening = true;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        undoAll().finally(() => process.exit(130));
      });
    }
  }
  pending.add(undo);
  return () => pending.delete(undo);
}

async function undoAll(): Promise<void> {
  for (const undo of [...pending].reverse()) {
    // One that fails must not keep the others from being undone.
    await Promise.resolve(undo()).catch(() => undefined);
  }
}
