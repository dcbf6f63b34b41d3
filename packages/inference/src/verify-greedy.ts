import {
  GREEDY_CALIBRATION,
  type GreedyCalibration,
  greedyMargins,
  judgeGreedy,
  type PositionMargin,
  summarise,
  type Verdict,
} from "@depinfer/proof";
import { classId, DepinferError, type Generation, type RuntimeClass } from "@depinfer/protocol";
import type { EngineDescription, Prompt, ScoringEngine } from "./engine.ts";
import { countableFaults, type OpenedReceipt, structuralFailure } from "./opened-receipt.ts";

/**
 * Something with the same weights that can score token ids: our own engine, or a second server through
 * `createUpstreamReference`.
 */
export interface GreedyReference {
  readonly description: Pick<EngineDescription, "runtimeClass">;
  prompt(generation: Generation): Prompt | Promise<Prompt>;
  score: ScoringEngine["score"];
  text(prompt: readonly number[], output: readonly number[], stop: readonly string[]): string | Promise<string>;
}

export interface GreedyInput {
  /** The parts behind the receipt's class, as the provider's offer shows them; level `greedy` needs them. */
  readonly runtimeClass?: RuntimeClass;
  readonly greedy?: GreedyCalibration;
  readonly watch?: VerifyWatch;
}

/** Follows a verification, which may take minutes. */
export interface VerifyWatch {
  /** How many of the answer's tokens are scored. */
  readonly onScored?: (scored: number) => void;
  /** The margin of each token of the receipt's answer, once and in order: as it is known, or all at the end. */
  readonly onMargin?: (index: number, margin: PositionMargin) => void;
  /** Ends it early; the verification rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Judges an answer of level `greedy` by an engine with the same weights. The runtime classes differ, so tokens are
 * compared with the reference's best within a tolerance; see `greedyStatistic` for what that binds.
 *
 * @throws DepinferError `verify.wrongClass` when the class is not the receipt's, or has other weights.
 */
export async function verifyGreedy(
  reference: GreedyReference,
  opened: OpenedReceipt,
  { runtimeClass, greedy: calibration = GREEDY_CALIBRATION, watch = {} }: GreedyInput,
): Promise<Verdict> {
  sameWeights(reference, opened, runtimeClass);
  const { receiptId, transcript, generation } = opened;
  const { tokens: prompt } = await reference.prompt(generation);
  const { promptTokens } = opened.receipt;
  const outputTokens = transcript.outputTokens.length;
  // How an upstream cuts its prompt is its own affair, so its count is not judged.
  const faults = [...opened.levelFaults, ...countableFaults(opened, { promptTokens, outputTokens })];
  if (outputTokens > opened.terms.maxOutputTokens) {
    faults.push(`${outputTokens} tokens were delivered and only ${opened.terms.maxOutputTokens} were allowed`);
  }
  if (!(await saysText(reference, prompt, opened))) {
    faults.push("the delivered text is not what the delivered token ids say");
  }
  if (faults.length > 0) {
    return structuralFailure(opened, faults);
  }
  const { onScored, onMargin, signal } = watch;
  const scored = await reference.score(prompt, transcript.outputTokens, undefined, undefined, {
    ...(onScored === undefined ? {} : { onScored: (position: number) => onScored(position + 1) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const positions = greedyMargins(scored, calibration);
  for (const [index, margin] of positions.entries()) {
    onMargin?.(index, margin);
  }
  const statistic = summarise(positions);
  return { ...judgeGreedy(statistic, calibration), receiptId, statistic };
}

function sameWeights(
  reference: GreedyReference,
  { receipt }: OpenedReceipt,
  runtimeClass: RuntimeClass | undefined,
): void {
  const wrong = (message: string, remedy: string) =>
    new DepinferError({ code: "verify.wrongClass", message, remedy, metadata: { wanted: receipt.classId } });
  if (runtimeClass === undefined || classId(runtimeClass) !== receipt.classId) {
    throw wrong(
      `The parts of class ${receipt.classId} are not known, so nobody can say which weights it has`,
      "Pass the runtime class that the provider's offer shows",
    );
  }
  const { weights } = reference.description.runtimeClass;
  if (runtimeClass.weights !== weights) {
    throw wrong(
      `The class has the weights ${runtimeClass.weights}, this engine has ${weights}`,
      "Verify with the same weight file, or with a second server of the same model",
    );
  }
}

/**
 * Whether the ids say the text that was delivered. Servers differ in whether they keep white space at the ends, and in
 * whether a detokenizer spells out the token that ended the turn.
 */
async function saysText(
  reference: GreedyReference,
  prompt: readonly number[],
  { receipt, transcript, generation }: OpenedReceipt,
): Promise<boolean> {
  const { outputTokens: tokens } = transcript;
  const delivered = transcript.text.trim();
  const whole = (await reference.text(prompt, tokens, generation.stop)).trim();
  if (receipt.stopReason === "cancelled") {
    return whole.startsWith(delivered);
  }
  return (
    whole === delivered ||
    (receipt.stopReason === "end" &&
      (await reference.text(prompt, tokens.slice(0, -1), generation.stop)).trim() === delivered)
  );
}
