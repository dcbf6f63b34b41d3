import type { Answering, ScoredTranscript, ScoringEngine, Task } from "@depinfer/inference";
import { scoreTranscripts, taskAt } from "@depinfer/inference";
import {
  type Calibration,
  MARGIN_OPTIONS,
  type PositionMargin,
  pValue,
  type Statistic,
  summarise,
} from "@depinfer/proof";

/** What a verifier found in one answer. */
export type Transcript = readonly PositionMargin[];

export interface CollectOptions {
  readonly verifier: ScoringEngine;
  readonly answer: Answering;
  /** Name of the tasks: other names are other prompts, temperatures and seeds. */
  readonly name: string;
  readonly temperatures?: readonly number[];
  readonly applies?: ((task: Task) => boolean) | undefined;
  readonly tokens: number;
  readonly concurrency: number;
  readonly progress?: (tokens: number) => void;
  /** Ends the run with what there is. */
  readonly signal?: AbortSignal | undefined;
}

/** Most tasks looked at to find one to which a cheat applies. */
const MOST_SKIPPED = 1_000;

/** Answers and scores until enough tokens are there. */
export async function collect(options: CollectOptions, onTranscript: (transcript: Transcript) => void): Promise<void> {
  const { name, temperatures, applies = () => true } = options;
  let scored = 0;
  let skipped = 0;
  function nextTask(index: number): Task {
    for (let tries = 0; tries < MOST_SKIPPED; tries++) {
      const task = taskAt(name, index + skipped, temperatures);
      if (applies(task)) {
        return task;
      }
      skipped += 1;
    }
    throw new RangeError(`none of ${MOST_SKIPPED} tasks applies`);
  }
  await scoreTranscripts({
    verifier: options.verifier,
    answer: options.answer,
    tasks: nextTask,
    margin: MARGIN_OPTIONS,
    tokens: options.tokens,
    concurrency: options.concurrency,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onTranscript({ positions }: ScoredTranscript) {
      onTranscript(positions);
      scored += positions.length;
      options.progress?.(scored);
    },
  });
}

/** Cuts answers, joined in their order, into pieces of exactly `size` tokens; what is left over is not used. */
export function* windowsOf(transcripts: Iterable<Transcript>, size: number): Generator<Statistic> {
  let window: PositionMargin[] = [];
  for (const transcript of transcripts) {
    for (const position of transcript) {
      window.push(position);
      if (window.length === size) {
        yield summarise(window);
        window = [];
      }
    }
  }
}

/** Whether a verifier calls so many tokens a failure at the published rate of false positives. */
export function isCaught(statistic: Statistic, calibration: Calibration, rate: number): boolean {
  return statistic.informative >= calibration.minimumTokens && pValue(statistic, calibration) <= rate;
}
