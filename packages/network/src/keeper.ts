import { errorMessage } from "@depinfer/protocol";
import type { Clock } from "./clock.ts";
import type { DialTarget, KeptPeer } from "./host.ts";
import type { Link, Unsubscribe } from "./link.ts";

/** First and longest pause between attempts, in ms. A peer that restarts is back within a second or two. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/** A link that lived this long starts the pauses from the beginning; a shorter one counts as another failure. */
const STABLE_AFTER_MS = 10_000;

export interface KeeperModules {
  readonly clock: Clock;
  /** Uniform in [0, 1): spreads the re-dials of many nodes after a common cause. */
  readonly random: () => number;
  readonly dial: (target: DialTarget) => Promise<Pick<Link, "onClose">>;
  /** True for an address of this node itself, which is not dialled. */
  readonly isSelf: (target: DialTarget) => boolean;
}

/** Keeps links to chosen peers alive. */
export interface Keeper {
  keep(target: DialTarget): Unsubscribe;
  state(): readonly KeptPeer[];
  /** Forgets every peer; links stay as they are. */
  stop(): void;
}

interface Kept {
  readonly target: DialTarget;
  state: KeptPeer["state"];
  failures: number;
  lastError: string | undefined;
  cancelTimer: () => void;
  dropped: boolean;
}

export function createKeeper(modules: KeeperModules): Keeper {
  const { clock, random } = modules;
  const all = new Set<Kept>();

  function attempt(kept: Kept): void {
    if (kept.dropped) {
      return;
    }
    kept.state = "dialling";
    modules.dial(kept.target).then(
      (link) => watch(kept, link),
      (error: unknown) => retry(kept, errorMessage(error)),
    );
  }

  function watch(kept: Kept, link: Pick<Link, "onClose">): void {
    const since = clock.now();
    kept.state = "linked";
    kept.lastError = undefined;
    link.onClose((reason) => {
      if (clock.now() - since >= STABLE_AFTER_MS) {
        kept.failures = 0;
      }
      retry(kept, reason.message);
    });
  }

  function retry(kept: Kept, why: string): void {
    if (kept.dropped) {
      return;
    }
    kept.state = "waiting";
    kept.lastError = why;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(kept.failures, 20));
    kept.failures++;
    kept.cancelTimer = clock.after(longest * (0.5 + random() / 2), () => attempt(kept));
  }

  function drop(kept: Kept): void {
    kept.dropped = true;
    kept.cancelTimer();
    all.delete(kept);
  }

  return {
    keep(target) {
      if (modules.isSelf(target)) {
        return () => {};
      }
      const kept: Kept = {
        target,
        state: "dialling",
        failures: 0,
        lastError: undefined,
        cancelTimer: () => {},
        dropped: false,
      };
      all.add(kept);
      attempt(kept);
      return () => drop(kept);
    },
    state: () => [...all].map(describe),
    stop: () => {
      for (const kept of all) {
        drop(kept);
      }
    },
  };
}

function describe(kept: Kept): KeptPeer {
  const { target, state, failures, lastError } = kept;
  const addresses = typeof target === "string" ? [target] : "peerId" in target ? target.addresses : target;
  return lastError === undefined ? { addresses, state, failures } : { addresses, state, failures, lastError };
}
