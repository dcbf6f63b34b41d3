import { setTimeout } from "node:timers/promises";
import type { EventBatch } from "@depinfer/chain";
import type { Journal } from "@depinfer/journal";
import { DepinferError, errorCode, errorMessage, type Hex } from "@depinfer/protocol";
import { type AuditModules, AuditNotReady, auditEpoch } from "./audit-epoch.ts";
import { createAuditLedger, type EpochTask } from "./audit-ledger.ts";

export interface ValidatorModules extends Omit<AuditModules, "ledger"> {
  /** Opened with `VALIDATOR_MIGRATIONS`. */
  readonly journal: Journal;
}

export interface ValidatorOptions {
  /** Account that attests; registered as a validator and bonded. */
  readonly validator: Hex;
  /** Share of receipts that are audited, 0 to 1; at least one of each epoch. */
  readonly auditRate: number;
}

export interface ValidatorState {
  readonly validator: Hex;
  readonly classId: Hex;
  /** Epochs that wait for their audit. */
  readonly open: number;
  readonly verdicts: Readonly<Record<string, number>>;
}

/** A running validator: follows epoch roots, audits what the beacon selects, attests. */
export interface Validator {
  start(): void;
  stop(): Promise<void>;
  state(): ValidatorState;
}

/** Blocks that are read again at the start: a chain that was killed may have forgotten its last ones. */
const OVERLAP = 64n;
const IDLE_MS = 1_000;
/** An epoch whose provider cannot show its receipts is tried this often, then left to disputes. */
const MOST_FAILURES = 20;

export function createValidator(modules: ValidatorModules, options: ValidatorOptions): Validator {
  const { chain, journal, log } = modules;
  const ledger = createAuditLedger(journal);
  const stopping = new AbortController();
  let working: Promise<void> = Promise.resolve();

  async function take({ events, toBlock }: EventBatch): Promise<void> {
    const tasks = events.flatMap((event) =>
      event.eventName === "RootPosted" ? [{ provider: event.args.provider, epoch: Number(event.args.epoch) }] : [],
    );
    await ledger.found(tasks, toBlock);
  }

  async function work(): Promise<void> {
    while (!stopping.signal.aborted) {
      for (const task of ledger.open()) {
        if (stopping.signal.aborted) {
          return;
        }
        await tryTask(task);
      }
      await setTimeout(IDLE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  async function tryTask(task: EpochTask): Promise<void> {
    try {
      await auditEpoch({ ...modules, ledger }, options.validator, task, options.auditRate);
      await ledger.done(task);
    } catch (error) {
      if (stopping.signal.aborted || error instanceof AuditNotReady) {
        return;
      }
      log("warn", `audit of epoch ${task.epoch} of ${task.provider} failed: ${errorMessage(error)}`, {
        code: errorCode(error),
      });
      // What may pass by itself, such as a provider that restarts, is waited for; others come first.
      const hopeless = task.failures >= MOST_FAILURES && !(error instanceof DepinferError && error.retryable);
      await (hopeless ? ledger.done(task) : ledger.failed(task));
    }
  }

  return {
    start() {
      const first = BigInt(chain.deployment.block);
      const resume = (ledger.readUpTo() ?? first) - OVERLAP;
      const fromBlock = resume > first ? resume : first;
      const onError = (error: unknown) =>
        log("warn", `the chain cannot be read, will be tried again: ${errorMessage(error)}`);
      chain
        .follow({ fromBlock, onLogs: take, onError, signal: stopping.signal, contracts: ["receiptLog"] })
        .catch(onError);
      working = work();
    },
    async stop() {
      stopping.abort();
      await working;
    },
    state: () => ({
      validator: options.validator,
      classId: modules.engine.description.classId,
      open: ledger.open().length,
      verdicts: ledger.counts(),
    }),
  };
}
