import { DepinferError, type Hex } from "@depinfer/protocol";
import type { ChainAccess, GasEstimate, Mined, Transaction } from "../wallet/access.ts";

/** What a step is given. */
export interface StepProgress {
  /** Signs and sends a transaction and waits for it; one that was sent before is only waited for. */
  transact(transaction: Transaction): Promise<Mined>;
  /** Units moved or nothing to do, in a few words shown beside the step. */
  note(text: string): void;
}

export interface Step {
  readonly id: string;
  readonly title: string;
  /** What will be signed and what it allows, in a sentence. */
  readonly signs: string;
  /** What it costs beside gas; null for nothing. */
  readonly costs: bigint | null;
  /** Null for a signature that is no transaction, or while it cannot be known yet. */
  readonly estimate: (() => Promise<GasEstimate>) | null;
  run(progress: StepProgress): Promise<void>;
}

/** `asking`: the wallet shows it; `pending`: sent, in no block yet. */
export type StepStatus = "waiting" | "asking" | "pending" | "done" | "failed";

export interface StepState {
  readonly status: StepStatus;
  readonly transaction: Hex | null;
  readonly gasUsed: bigint | null;
  readonly note: string | null;
  readonly fault: DepinferError | null;
}

export interface Flow {
  readonly steps: readonly Step[];
  /** One state for each step; replaced, never changed. */
  states(): readonly StepState[];
  subscribe(listener: () => void): () => void;
  /** Goes on from the first step that is not done, to the end or to the first that fails. */
  run(): Promise<void>;
}

const WAITING: StepState = { status: "waiting", transaction: null, gasUsed: null, note: null, fault: null };

/** Steps one after the other. One that failed can be tried again; what was done before it stays done. */
export function createFlow(access: Pick<ChainAccess, "send" | "wait">, steps: readonly Step[]): Flow {
  let states: readonly StepState[] = steps.map(() => WAITING);
  let running = false;
  const listeners = new Set<() => void>();

  function change(index: number, part: Partial<StepState>): void {
    states = states.map((state, at) => (at === index ? { ...state, ...part } : state));
    for (const listener of listeners) {
      listener();
    }
  }

  async function transact(index: number, transaction: Transaction): Promise<Mined> {
    const hash = states[index]?.transaction ?? (await access.send(transaction));
    change(index, { status: "pending", transaction: hash });
    try {
      const mined = await access.wait(hash);
      change(index, { gasUsed: mined.gasUsed });
      return mined;
    } catch (fault) {
      if (fault instanceof DepinferError && fault.code === "wallet.reverted") {
        // It is over; trying again has to send another one.
        change(index, { transaction: null });
      }
      throw fault;
    }
  }

  async function runFrom(first: number): Promise<void> {
    for (const [index, step] of steps.entries()) {
      if (index < first) {
        continue;
      }
      change(index, { status: "asking", fault: null });
      try {
        await step.run({
          transact: (transaction) => transact(index, transaction),
          note: (note) => change(index, { note }),
        });
        change(index, { status: "done" });
      } catch (fault) {
        change(index, { status: "failed", fault: asError(fault) });
        return;
      }
    }
  }

  return {
    steps,
    states: () => states,
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    async run() {
      const next = states.findIndex(({ status }) => status !== "done");
      if (running || next === -1) {
        return;
      }
      running = true;
      await runFrom(next).finally(() => {
        running = false;
      });
    },
  };
}

function asError(fault: unknown): DepinferError {
  return fault instanceof DepinferError
    ? fault
    : new DepinferError({
        code: "page.failed",
        message: `This step failed: ${String(fault).slice(0, 200)}`,
        remedy: "Try again; what was done before stays done",
        retryable: true,
        cause: fault,
      });
}
