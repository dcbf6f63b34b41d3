import { microUsd } from "@depinfer/protocol";
import type { GatewayPulse } from "@depinfer/protocol/api";

/** How much is going on, second by second, whoever asks. */
export interface Pulse {
  /** A request began; call what comes back when it has ended. */
  enter(): () => void;
  delivered(tokens: number): void;
  answered(cost: bigint): void;
  failed(): void;
  view(): GatewayPulse;
}

interface Counts {
  requests: number;
  outputTokens: number;
  cost: bigint;
  failed: number;
}

const SECOND_MS = 1_000;
const KEPT_SECONDS = 60;
const nothing = (): Counts => ({ requests: 0, outputTokens: 0, cost: 0n, failed: 0 });

export function createPulse(now: () => number): Pulse {
  const total = nothing();
  /** By the number of the second since 1970, oldest first. */
  const seconds = new Map<number, Counts>();
  let active = 0;

  function add(change: (counts: Counts) => void): void {
    const second = Math.floor(now() / SECOND_MS);
    let counts = seconds.get(second);
    if (counts === undefined) {
      counts = nothing();
      seconds.set(second, counts);
      for (const old of seconds.keys()) {
        if (old >= second - KEPT_SECONDS) {
          break;
        }
        seconds.delete(old);
      }
    }
    change(counts);
    change(total);
  }

  return {
    enter() {
      active += 1;
      return () => {
        active -= 1;
      };
    },
    delivered(tokens) {
      if (tokens > 0) {
        add((counts) => {
          counts.outputTokens += tokens;
        });
      }
    },
    answered(cost) {
      add((counts) => {
        counts.requests += 1;
        counts.cost += cost;
      });
    },
    failed() {
      add((counts) => {
        counts.failed += 1;
      });
    },
    view() {
      const at = now();
      const first = Math.floor(at / SECOND_MS) - KEPT_SECONDS;
      return {
        at,
        active,
        seconds: Array.from({ length: KEPT_SECONDS }, (_, index) => ({
          at: (first + index) * SECOND_MS,
          ...money(seconds.get(first + index) ?? nothing()),
        })),
        total: money(total),
      };
    },
  };
}

function money({ cost, ...counts }: Counts) {
  return { ...counts, cost: microUsd(cost) };
}
