import { readFileSync, statSync } from "node:fs";
import { errorMessage } from "@depinfer/protocol";
import type { Clock } from "./clock.ts";
import { NetworkError } from "./errors.ts";
import type { Unsubscribe } from "./link.ts";

/** How often the file is looked at, in ms. Looking is one `stat`. */
const LOOK_INTERVAL_MS = 2000;

export interface BootstrapFileModules {
  readonly clock: Clock;
  /** Keeps a peer until the result is called. */
  readonly keep: (address: string) => Unsubscribe;
  readonly onProblem: (problem: unknown) => void;
}

/**
 * Keeps the peers listed in a file, one multiaddr per line, and follows the file: another program can move a network
 * to new entry points without a restart. While the file is missing, the peers read last stay. Returns the stop.
 */
export function followBootstrapFile(path: string, modules: BootstrapFileModules): Unsubscribe {
  const { clock, keep, onProblem } = modules;
  const kept = new Map<string, Unsubscribe>();
  let seen = "";
  let cancelTimer: () => void = () => {};

  function look(): void {
    cancelTimer = clock.after(LOOK_INTERVAL_MS, look);
    let state: string;
    try {
      const { mtimeMs, size, ino } = statSync(path);
      state = `${mtimeMs} ${size} ${ino}`;
      if (state !== seen) {
        follow(parseBootstrapList(readFileSync(path, "utf8")));
      }
    } catch (error) {
      state = errorMessage(error);
      if (state !== seen) {
        onProblem(unreadable(path, error));
      }
    }
    seen = state;
  }

  function follow(addresses: ReadonlySet<string>): void {
    for (const [address, drop] of kept) {
      if (!addresses.has(address)) {
        kept.delete(address);
        drop();
      }
    }
    for (const address of addresses) {
      if (!kept.has(address)) {
        kept.set(address, keepOrTell(address));
      }
    }
  }

  /** One line that is wrong must not cost the others. */
  function keepOrTell(address: string): Unsubscribe {
    try {
      return keep(address);
    } catch (error) {
      onProblem(error);
      return () => {};
    }
  }

  look();
  return () => {
    cancelTimer();
    for (const drop of kept.values()) {
      drop();
    }
    kept.clear();
  };
}

/** The multiaddrs in a bootstrap list; `#` starts a comment. */
export function parseBootstrapList(text: string): ReadonlySet<string> {
  const lines = text.split(/\r?\n/).map((line) => line.replace(/#.*/, "").trim());
  return new Set(lines.filter((line) => line.startsWith("/")));
}

function unreadable(path: string, cause: unknown): NetworkError {
  return new NetworkError({
    code: "network.bootstrapUnreadable",
    message: `The list of bootstrap peers at ${path} cannot be read: ${errorMessage(cause)}`,
    remedy: "Create the file with one multiaddr per line, or drop the option",
    metadata: { path },
    retryable: true,
    cause,
  });
}
