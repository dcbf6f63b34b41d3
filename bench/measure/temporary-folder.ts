import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { undoWhenStopped } from "./interruption.ts";

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), "depinfer-bench-"));
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  const forget = undoWhenStopped(remove);
  return {
    path,
    remove() {
      forget();
      remove();
    },
  };
}
