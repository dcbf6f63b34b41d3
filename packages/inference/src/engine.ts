import type { ScoredPosition, Vocabulary, Window } from "@depinfer/proof";
import type {
  Feature,
  Generation,
  Hex,
  OfferedAttestation,
  PositionLogprobs,
  ProofLevel,
  RuntimeClass,
  StopReason,
} from "@depinfer/protocol";

/** What an engine serves, as it goes into offers and receipts. */
export interface EngineDescription {
  /** Name for people and for the `model` parameter. */
  readonly model: string;
  readonly runtimeClass: RuntimeClass;
  readonly classId: Hex;
  readonly proofLevel: ProofLevel;
  /** Of an engine in a trusted domain, for offers. */
  readonly attestation?: OfferedAttestation;
  /** Why the level is no higher, as a sentence for the operator; where there is something to say. */
  readonly levelNote?: string;
  /** Tokens that prompt and answer may have together. */
  readonly contextLength: number;
  /** Requests that can be answered at the same time. */
  readonly slots: number;
  /** What it honours beyond plain answers; none when missing. */
  readonly features?: readonly Feature[];
}

/** A prompt after chat template and tokenizer. */
export interface Prompt {
  /** Token ids; empty for an upstream that does not tell them. */
  readonly tokens: readonly number[];
}

export interface GenerateOptions {
  readonly generation: Generation;
  readonly prompt: Prompt;
  /** 32 bytes from which all randomness of the answer comes. */
  readonly seed: Uint8Array;
  readonly maxTokens: number;
  readonly signal?: AbortSignal;
  /**
   * Whose prompts this one may share work with: what was computed for a prompt is only used again under the same key,
   * since how fast an answer comes tells what was asked before. Without it nothing is shared.
   */
  readonly cacheKey?: string;
  /**
   * Tokens that the answer has already: it goes on after them, as if it had drawn them itself. They follow the prompt and
   * count as a part of it, and nothing of them is handed over again.
   */
  readonly resume?: readonly number[];
  /** Told once, when the prompt is about to be evaluated, by engines that know it. */
  readonly onPrompt?: (usage: Pick<Completion, "promptTokens" | "cachedTokens">) => void;
}

/**
 * Takes a piece of the answer. `text` may lag behind `tokens` while a character or a stop sequence is incomplete.
 * A returned promise holds the engine back until the reader has caught up.
 */
export type OnDelta = (
  tokens: readonly number[],
  text: string,
  /** One for each token, where the request asks for them. */
  logprobs?: readonly PositionLogprobs[],
) => Promise<void> | undefined;

export interface Completion {
  readonly stopReason: StopReason;
  /** All ids generated now, the end-of-turn token included; empty for an upstream that does not tell them. */
  readonly tokens: readonly number[];
  readonly text: string;
  readonly promptTokens: number;
  /** Of `promptTokens`, those that were computed for an earlier prompt; none by default. */
  readonly cachedTokens?: number;
  readonly outputTokens: number;
  /** What an upstream gives as the log-probabilities of `tokens`, in nats. A screen, not a proof; see `screenLogprobs`. */
  readonly logprobs?: readonly number[];
}

/** Something that answers prompts. One behaviour suite (`engine.behaviour.ts`) runs against every engine. */
export interface Engine {
  readonly description: EngineDescription;
  /** @throws DepinferError `request.contextExceeded` when the prompt leaves no room for an answer. */
  prompt(generation: Generation): Prompt;
  /**
   * Generates an answer. Waits for a free slot, ends early when the signal aborts (stop reason `cancelled`) and
   * resolves when every delta has been handed over.
   */
  generate(options: GenerateOptions, onDelta: OnDelta): Promise<Completion>;
  dispose(): Promise<void>;
}

/** Follows work that may take minutes. */
export interface ScoreWatch {
  /** Told of each position as soon as it is scored, in order. What it throws is lost. */
  readonly onScored?: (position: number, found: ScoredPosition) => void;
  /** Ends the work early; `score` rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** An engine that can also score transcripts, and hence check other providers of its runtime class. */
export interface ScoringEngine extends Engine {
  /**
   * Logits that this engine finds at `positions` of `output` (ascending; all by default) after `prompt`, in one prefill.
   * Several calls at once share their steps.
   */
  score(
    prompt: readonly number[],
    output: readonly number[],
    positions?: readonly number[],
    /** What to find at each position, where the choice was shaped. */
    window?: Window,
    watch?: ScoreWatch,
  ): Promise<ScoredPosition[]>;
  readonly vocabulary: Vocabulary;
  /**
   * The text that an answer of these ids shows, cut at the first stop sequence.
   *
   * @param resumed ids that the answer had before; their text is left out.
   */
  text(
    prompt: readonly number[],
    output: readonly number[],
    stop: readonly string[],
    resumed?: readonly number[],
  ): string;
  /** Whether the token ends a turn. */
  endsTurn(token: number): boolean;
}
