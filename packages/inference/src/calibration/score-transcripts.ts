import { type MarginOptions, type PositionMargin, positionMargins } from "@depinfer/proof";
import type { Completion, GenerateOptions, OnDelta, Prompt, ScoringEngine } from "../engine.ts";
import type { Task } from "./tasks.ts";

/** Answers a task as a provider does, honestly or not. */
export type Answering = (options: GenerateOptions, onDelta: OnDelta) => Promise<Completion>;

export interface ScoredTranscript {
  readonly task: Task;
  readonly prompt: Prompt;
  readonly completion: Completion;
  /** One for every token of the answer. */
  readonly positions: readonly PositionMargin[];
}

export interface ScoringRun {
  /** Scores, and tells what an honest provider's prompt is. */
  readonly verifier: ScoringEngine;
  readonly answer: Answering;
  readonly tasks: (index: number) => Task;
  /** 0 by default. */
  readonly firstTask?: number;
  readonly margin: MarginOptions;
  /** Ends when this many output tokens have been scored, or when the signal aborts. */
  readonly tokens: number;
  /** Tasks under way at once; the engines' slots should hold them. */
  readonly concurrency: number;
  readonly onTranscript: (transcript: ScoredTranscript) => void;
  readonly signal?: AbortSignal;
}

/**
 * Lets a provider answer tasks and scores every answer. Which tasks are answered does not depend on how fast they are:
 * a run is repeatable from the tasks' name, but for the last few.
 *
 * @returns the index of the first task that was not begun.
 */
export async function scoreTranscripts(run: ScoringRun): Promise<number> {
  let next = run.firstTask ?? 0;
  let tokens = 0;
  async function work(): Promise<void> {
    while (tokens < run.tokens && run.signal?.aborted !== true) {
      const task = run.tasks(next++);
      const transcript = await scoreOne(run, task);
      tokens += transcript.completion.tokens.length;
      run.onTranscript(transcript);
    }
  }
  await Promise.all(Array.from({ length: run.concurrency }, work));
  return next;
}

async function scoreOne({ verifier, answer, margin }: ScoringRun, task: Task): Promise<ScoredTranscript> {
  const { generation, seed, maxTokens } = task;
  const prompt = verifier.prompt(generation);
  const completion = await answer({ generation, prompt, seed, maxTokens }, () => undefined);
  const scored = await verifier.score(prompt.tokens, completion.tokens);
  return { task, prompt, completion, positions: positionMargins(scored, generation.temperature, seed, margin) };
}
