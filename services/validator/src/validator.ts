import { setTimeout } from "node:timers/promises";
import { AUDIT_CONTRACTS, auditEvents, type EventBatch } from "@depinfer/chain";
import type { Journal } from "@depinfer/journal";
import { type AuditRules, createAuditRecord, type ProviderRecord } from "@depinfer/proof";
import { type AuditEvent, DepinferError, errorCode, errorMessage, type Hex } from "@depinfer/protocol";
import { type AuditModules, AuditNotReady, auditEpoch } from "./audit-epoch.ts";
import { createAuditLedger, type EpochTask } from "./audit-ledger.ts";

export interface ValidatorModules extends Omit<AuditModules, "ledger" | "audits"> {
  /** Opened with `VALIDATOR_MIGRATIONS`. */
  readonly journal: Journal;
}

export interface ValidatorOptions {
  /** Account that attests; a member of the validator set. */
  readonly validator: Hex;
  /** How the network audits. Everybody has to count by the same rules. */
  readonly audits?: AuditRules;
}

export interface ValidatorState {
  readonly validator: Hex;
  readonly classId: Hex;
  /** Epochs that wait for their audit. */
  readonly open: number;
  /** Own findings by verdict. */
  readonly verdicts: Readonly<Record<string, number>>;
}

/** A running validator: follows epoch roots, audits what the beacon gives to it, attests. */
export interface Validator {
  start(): void;
  stop(): Promise<void>;
  state(): ValidatorState;
  /** What all validators' counted verdicts say of a provider, from the chain as far as it was read. */
  evidence(provider: Hex): ProviderRecord;
  /** The events that the public record is made of, as far as the chain was read. */
  auditEvents(): readonly AuditEvent[];
}

/** Blocks that are read again at the start: a chain that was killed may have forgotten its last ones. */
const OVERLAP = 64;
const IDLE_MS = 1_000;
/** An epoch whose provider cannot show its receipts is tried this often, then left to disputes. */
const MOST_FAILURES = 20;

export function createValidator(modules: ValidatorModules, options: ValidatorOptions): Validator {
  const { chain, journal, log } = modules;
  const ledger = createAuditLedger(journal);
  const audits = createAuditRecord(options.audits);
  const stopping = new AbortController();
  let working: Promise<void> = Promise.resolve();

  async function take(batch: EventBatch): Promise<void> {
    const events = auditEvents(batch.events);
    await ledger.take(Number(batch.fromBlock), Number(batch.toBlock), events);
    audits.take(Number(batch.fromBlock), events);
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
      await auditEpoch({ ...modules, ledger, audits }, options.validator, task);
      await ledger.done(task);
    } catch (error) {
      if (stopping.signal.aborted || error instanceof AuditNotReady) {
        return;
      }
      log("warn", `audit of epoch ${task.epoch} of ${task.provider} failed: ${errorMessage(error)}`, {
        code: errorCode(error),
      });
      if (errorCode(error) === "audit.late") {
        await ledger.done(task);
        return;
      }
      // What may pass by itself, such as a provider that restarts, is waited for; others come first.
      const hopeless = task.failures >= MOST_FAILURES && !(error instanceof DepinferError && error.retryable);
      await (hopeless ? ledger.done(task) : ledger.failed(task));
    }
  }

  return {
    start() {
      audits.take(0, ledger.events());
      const first = chain.deployment.block;
      const fromBlock = BigInt(Math.max(first, (ledger.readUpTo() ?? first) - OVERLAP));
      const onError = (error: unknown) =>
        log("warn", `the chain cannot be read, will be tried again: ${errorMessage(error)}`);
      chain
        .follow({ fromBlock, onLogs: take, onError, signal: stopping.signal, contracts: AUDIT_CONTRACTS })
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
    evidence: (provider) => audits.provider(provider),
    auditEvents: () => ledger.events(),
  };
}
