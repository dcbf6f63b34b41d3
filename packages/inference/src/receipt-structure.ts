import { promptHash, seedCommitment, textHash, transcriptRoot } from "@depinfer/proof";
import {
  costDown,
  DepinferError,
  type Generation,
  type Receipt,
  type RequestTerms,
  requestHash,
  type Transcript,
} from "@depinfer/protocol";
import type { ScoringEngine } from "./engine.ts";

export interface StructureInput {
  readonly receipt: Receipt;
  readonly transcript: Transcript;
  readonly terms: RequestTerms;
  readonly generation: Generation;
  /** Of the request's body alone. */
  readonly prompt: readonly number[];
  /** What the answer had before; it counts as prompt. */
  readonly resumed: readonly number[];
  readonly seed: Uint8Array;
}

/**
 * Refuses a transcript that is not the one under the receipt: whoever brought it, it says nothing about the provider.
 *
 * @throws DepinferError `transcript.notOpening`.
 */
export function transcriptBelongsTo(receipt: Receipt, transcript: Transcript, request: Uint8Array): void {
  const request256 = requestHash(request);
  if (request256 !== receipt.requestHash) {
    throw notOpening("request", request256, receipt.requestHash);
  }
  const root = transcriptRoot(transcript.outputTokens);
  if (root !== receipt.transcriptRoot) {
    throw notOpening("tokens", root, receipt.transcriptRoot);
  }
}

/** An error for a part of a transcript that the receipt does not sign for. */
export function notOpening(part: string, found: string, wanted: string): DepinferError {
  return new DepinferError({
    code: "transcript.notOpening",
    message: `The transcript's ${part} hashes to ${found}, the receipt says ${wanted}`,
    remedy: "Get the transcript from the buyer or the provider again; this one proves nothing",
    metadata: { part, found, wanted },
  });
}

/** Everything countable that the receipt gets wrong, one sentence each. Needs no evaluation of the model. */
export function structuralFaults(engine: ScoringEngine, input: StructureInput): string[] {
  const { receipt, transcript, terms, generation, prompt, resumed, seed } = input;
  const tokens = transcript.outputTokens;
  const faults: string[] = [];
  const expect = (what: string, found: string | number | bigint, wanted: string | number | bigint) => {
    if (found !== wanted) {
      faults.push(`${what} is ${found} in the receipt and should be ${wanted}`);
    }
  };
  expect("the request id", receipt.requestId, terms.requestId);
  expect("the class", receipt.classId, terms.classId);
  expect("the channel", receipt.channelId, terms.channelId);
  expect("the seed commitment", receipt.seedCommitment, seedCommitment(seed));
  expect("the prompt hash", receipt.promptHash, promptHash([...prompt, ...resumed]));
  expect("the number of prompt tokens", receipt.promptTokens, prompt.length + resumed.length);
  expect("the number of output tokens", receipt.outputTokens, tokens.length);
  expect("the text hash", receipt.textHash, textHash(transcript.text));
  if (receipt.cachedTokens > receipt.promptTokens) {
    faults.push(`${receipt.cachedTokens} of ${receipt.promptTokens} prompt tokens cannot be cached`);
  }
  expect("the cost", receipt.cost, costDown({ ...receipt, outputTokens: tokens.length }, terms.prices));
  // A cancelled answer may lack text that was still held back, half of a character say.
  const text = engine.text(prompt, tokens, generation.stop, resumed);
  if (receipt.stopReason === "cancelled" ? !text.startsWith(transcript.text) : text !== transcript.text) {
    faults.push("the delivered text is not what the delivered token ids say");
  }
  return [...faults, ...endFaults(engine, input)];
}

/** Whether the answer ended where it had to. */
function endFaults(
  engine: ScoringEngine,
  { receipt, transcript, terms, generation, prompt, resumed }: StructureInput,
): string[] {
  const tokens = transcript.outputTokens;
  const last = tokens.at(-1);
  const ended = last !== undefined && engine.endsTurn(last);
  const limit = Math.min(terms.maxOutputTokens, engine.description.contextLength - prompt.length - resumed.length);
  const faults: string[] = [];
  if (tokens.slice(0, -1).some((token) => engine.endsTurn(token))) {
    faults.push("the answer goes on after an end-of-turn token");
  }
  if (tokens.length > limit) {
    faults.push(`${tokens.length} tokens were delivered and only ${limit} were allowed`);
  }
  if (receipt.stopReason === "end" && !ended) {
    faults.push("the receipt says that the model ended its turn, but the last token does not end one");
  }
  if (receipt.stopReason === "length" && tokens.length < limit) {
    faults.push(
      `the receipt says that the limit of ${limit} tokens was reached, but only ${tokens.length} were delivered`,
    );
  }
  if (
    receipt.stopReason === "stopSequence" &&
    engine.text(prompt, tokens, [], resumed) === engine.text(prompt, tokens, generation.stop, resumed)
  ) {
    faults.push("the receipt says that a stop sequence was met, but the text has none");
  }
  return faults;
}
