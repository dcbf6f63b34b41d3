import type { LlamaEngineOptions, ScoringEngine } from "@depinfer/inference";
import { errorMessage, type Log } from "@depinfer/protocol";
import type { LendEngine } from "../../verify-by-level.ts";

/** Keeps the engine that was used last, since loading takes longer than most answers take to verify. */
export interface EngineKeeper {
  /** One piece of work at a time. */
  readonly lend: LendEngine;
  stop(): Promise<void>;
}

const IDLE_MS = 120_000;

export function createEngineKeeper(
  log: Log,
  load: (options: LlamaEngineOptions) => Promise<ScoringEngine> = loadLlama,
  idleMs = IDLE_MS,
): EngineKeeper {
  let kept: { readonly key: string; readonly engine: ScoringEngine } | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function drop(): Promise<void> {
    clearTimeout(timer);
    const engine = kept?.engine;
    kept = undefined;
    await engine?.dispose();
  }

  async function engineOf(options: LlamaEngineOptions): Promise<ScoringEngine> {
    const key = JSON.stringify(options);
    if (kept?.key !== key) {
      await drop();
      kept = { key, engine: await load(options) };
    }
    return kept.engine;
  }

  return {
    async lend(options, work) {
      clearTimeout(timer);
      try {
        return await work(await engineOf(options));
      } finally {
        timer = setTimeout(() => {
          drop().catch((error: unknown) => log("warn", `an engine did not end cleanly: ${errorMessage(error)}`));
        }, idleMs);
        timer.unref();
      }
    },
    stop: drop,
  };
}

/** The engine's library is loaded when something is verified, and not with the console. */
async function loadLlama(options: LlamaEngineOptions): Promise<ScoringEngine> {
  const { createLlamaEngine } = await import("@depinfer/inference");
  return createLlamaEngine(options);
}
