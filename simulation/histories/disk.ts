import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Journal, type JournalParts, openJournal } from "@depinfer/journal";
import type { Life, World } from "./world.ts";

/*
 * Real journals on real files. Only the disk is a model: it confirms when the schedule says so, and a loss of power takes
 * what it had not confirmed, which is the end of the write-ahead log.
 */

export interface Disk {
  /** The process's journal as its files have it now. */
  open(life: Life): Journal;
  /** What the process leaves behind: all that it wrote, or with a loss of power what was confirmed. */
  crash(life: Life): void;
  close(): void;
}

/** Folder of all journals of this run; memory where there is some. */
export function createDiskFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "depinfer-histories-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** An empty journal that histories start from, so that its tables are made once. */
export function createTemplate(folder: string, name: string, parts: JournalParts): string {
  const path = join(folder, `${name}.template`);
  openJournal({ path, parts }).close();
  return path;
}

let names = 0;

export function createDisk(world: World, folder: string, template: string, parts: JournalParts): Disk {
  mkdirSync(folder, { recursive: true });
  let path = fresh();
  copyFileSync(template, path);
  let journal: Journal | null = null;
  let confirmed = 0;

  function fresh(): string {
    names += 1;
    return join(folder, `journal-${names}`);
  }

  const logOf = (file: string) => `${file}-wal`;
  const written = () => (existsSync(logOf(path)) ? statSync(logOf(path)).size : 0);

  return {
    open(life) {
      journal = openJournal(
        { path, parts },
        {
          openWalSync: () => ({
            whenDone() {
              const size = written();
              return world.gate(life, () => {
                confirmed = Math.max(confirmed, size);
              });
            },
            now() {
              confirmed = written();
            },
            close: () => undefined,
          }),
        },
      );
      confirmed = written();
      return journal;
    },
    crash({ powerLoss }) {
      const next = fresh();
      copyFileSync(path, next);
      if (written() > 0) {
        copyFileSync(logOf(path), logOf(next));
        if (powerLoss) {
          truncateSync(logOf(next), confirmed);
        }
      }
      journal?.db.close();
      journal = null;
      for (const file of [path, logOf(path)]) {
        rmSync(file, { force: true });
      }
      path = next;
    },
    close() {
      journal?.close();
      journal = null;
      for (const file of [path, logOf(path)]) {
        rmSync(file, { force: true });
      }
    },
  };
}
