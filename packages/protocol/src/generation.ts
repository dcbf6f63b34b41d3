import type { JsonSchema } from "./json-schema.ts";
import { levelOfAnswer, type ProofLevel } from "./proof-level.ts";
import type { NamedTensors } from "./tensors.ts";

/** A function that the app offers to the model. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonSchema;
  /** Set where the parameters hold what cannot be enforced: the model is told them, its arguments are any object. */
  readonly loose?: true;
}

/** A call of a tool by the model. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

/** What the text of an answer has to follow. */
export type Constraint =
  /** One JSON object. */
  | { readonly kind: "json" }
  | { readonly kind: "schema"; readonly schema: JsonSchema }
  /**
   * Calls of these tools, in the form of `tool-calls.ts`. `auto` leaves the model free to answer in text, which follows
   * `otherwise`; `required` means at least one call.
   */
  | {
      readonly kind: "tools";
      readonly tools: readonly Tool[];
      readonly mode: "auto" | "required";
      readonly parallel: boolean;
      readonly otherwise: Constraint | null;
    };

export interface ImagePart {
  /** An https or data URL. */
  readonly url: string;
  readonly detail: "auto" | "low" | "high";
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  readonly toolCalls?: readonly ToolCall[];
  /** The call that a message of role `tool` answers. */
  readonly toolCallId?: string;
  readonly images?: readonly ImagePart[];
}

/** A prompt of a model of text. */
export type TextPrompt = { readonly messages: readonly ChatMessage[] } | { readonly text: string };

/** Texts or token ids, each of which becomes a vector. */
export interface EmbeddingPrompt {
  readonly inputs: readonly (string | readonly number[])[];
  /** Length that the app expects of a vector, or null. */
  readonly dimensions: number | null;
}

/** How tokens are chosen beyond temperature and seed. */
export interface Sampling {
  /** (0, 1]; 1 is off. */
  readonly topP: number;
  /** [-2, 2]; subtracted once from the logit of every token that the answer has. 0 is off. */
  readonly presencePenalty: number;
  /** [-2, 2]; subtracted for every time that the answer has the token. 0 is off. */
  readonly frequencyPenalty: number;
  /** Added to the logits of these tokens, in [-100, 100]; at most 300 entries, ascending by token. */
  readonly logitBias: readonly (readonly [token: number, bias: number])[];
  /** Alternatives told beside each chosen token; null tells nothing of any. */
  readonly logprobs: number | null;
  readonly constraint: Constraint | null;
}

/** Nothing but temperature and seed decide. */
export const PLAIN_SAMPLING: Sampling = {
  topP: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: [],
  logprobs: null,
  constraint: null,
};

/** What decides the answer: the prompt and how to sample from it. */
export interface Generation extends Sampling {
  readonly prompt: TextPrompt | EmbeddingPrompt | { readonly tensors: NamedTensors };
  /** 0 is greedy. */
  readonly temperature: number;
  /** Set when the app asked for a repeatable answer. */
  readonly seed: number | null;
  readonly stop: readonly string[];
  /** Limit that the app gave, or null. */
  readonly maxTokens: number | null;
}

/** Whether anything but temperature and seed decides which token is chosen. */
export function isShaped({ topP, presencePenalty, frequencyPenalty, logitBias, constraint }: Sampling): boolean {
  return topP < 1 || presencePenalty !== 0 || frequencyPenalty !== 0 || logitBias.length > 0 || constraint !== null;
}

/**
 * The level of the answer to one request. At level `greedy` an answer is checked against the model's best tokens, so
 * where something else than the model decides, and for vectors, it is `none`.
 */
export function levelOfGeneration(level: ProofLevel, generation: Generation): ProofLevel {
  // At temperature 0 the best token is in every nucleus.
  const other = isShaped({ ...generation, topP: 1 }) || "inputs" in generation.prompt;
  return level === "greedy" && other ? "none" : levelOfAnswer(level, generation.temperature);
}
