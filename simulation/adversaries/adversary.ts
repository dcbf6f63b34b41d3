import type { Answering, Task } from "@depinfer/inference";
import type { Laboratory } from "./laboratory.ts";

/*
 * Cheats of a provider that is paid for the embedded model at full precision, seeded sampling and the prompt that the
 * buyer sent, and delivers something else under a receipt that says nothing of it.
 */

/** What kind of thing is not as it was paid for. */
export type AdversaryGroup = "weights" | "sampling" | "prompt" | "tokens";

export interface Adversary {
  readonly name: string;
  readonly group: AdversaryGroup;
  /** What it does, in a sentence that begins with a verb. */
  readonly description: string;
  /** How it answers requests in place of the honest engine. */
  open(laboratory: Laboratory): Promise<Answering>;
  /** Whether a task can be cheated on in this way; every one by default. */
  applies?(task: Task): boolean;
}
