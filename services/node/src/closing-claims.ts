import { setTimeout as sleep } from "node:timers/promises";
import type { Chain } from "@depinfer/chain";
import { errorMessage, formatUsd, type Hex, type Log } from "@depinfer/protocol";
import type { Ledger } from "./ledger.ts";
import { claimAll } from "./vouchers-on-chain.ts";

/**
 * Claims the vouchers of channels whose payer is leaving, as soon as that is seen: after its notice the payer takes
 * whatever was not claimed.
 */
export interface ClosingClaims {
  /** Has a channel claimed now; several that are named together go into one transaction. */
  claim(id: Hex): void;
  /** Resolves when nothing is being claimed. */
  settled(): Promise<void>;
  stop(): void;
}

export interface ClosingClaimModules {
  readonly chain: { readonly channels: Pick<Chain["channels"], "state" | "claimBatch"> };
  readonly ledger: Ledger;
  readonly log: Log;
}

/** Tries until the next event or voucher of the channel, with pauses that double: a bit over a minute in all. */
const MOST_TRIES = 8;
const FIRST_PAUSE_MS = 300;

export function createClosingClaims(
  { chain, ledger, log }: ClosingClaimModules,
  { firstPauseMs = FIRST_PAUSE_MS }: { readonly firstPauseMs?: number } = {},
): ClosingClaims {
  const wanted = new Set<Hex>();
  const stopping = new AbortController();
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    let pauseMs = firstPauseMs;
    for (let tries = 1; wanted.size > 0 && !stopping.signal.aborted; tries++) {
      const ids = [...wanted];
      wanted.clear();
      try {
        const { claimed } = await claimAll(chain, ledger, ids);
        if (claimed > 0n) {
          log("info", `${formatUsd(claimed)} claimed from ${ids.length} channels that are closing`);
        }
        tries = 0;
        pauseMs = firstPauseMs;
      } catch (error) {
        const last = tries >= MOST_TRIES;
        const next = last ? "given up until the channel's next event" : "will be tried again";
        log("warn", `closing channels could not be claimed, ${next}: ${errorMessage(error)}`, { channels: ids.length });
        if (last) {
          return;
        }
        for (const id of ids) {
          wanted.add(id);
        }
        await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
        pauseMs *= 2;
      }
    }
  }

  function start(): void {
    running ??= run().finally(() => {
      running = null;
      if (wanted.size > 0 && !stopping.signal.aborted) {
        start(); // Named between the last look and the end.
      }
    });
  }

  return {
    claim(id) {
      wanted.add(id);
      start();
    },
    settled: () => running ?? Promise.resolve(),
    stop: () => stopping.abort(),
  };
}
