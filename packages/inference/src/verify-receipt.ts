import {
  type Calibration,
  calibrationFor,
  createPositionKeys,
  createShaping,
  judge,
  marginStatistic,
  positionMargin,
  type ScoredPosition,
  seedOfAnswer,
  shapedMargins,
  summarise,
  type Verdict,
} from "@depinfer/proof";
import { DepinferError, type Hex, resumedTokens } from "@depinfer/protocol";
import type { ScoringEngine } from "./engine.ts";
import { type OpenedReceipt, openReceipt, type ReceiptEvidence, structuralFailure } from "./opened-receipt.ts";
import { structuralFaults } from "./receipt-structure.ts";
import { type GreedyInput, type VerifyWatch, verifyGreedy } from "./verify-greedy.ts";
import { verifyVectors } from "./verify-vectors.ts";

export interface VerifyModules {
  /** An engine of the receipt's runtime class; for level `greedy`, of the same weights. */
  readonly engine: ScoringEngine;
  /** The account that signed a digest. */
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
}

export interface VerifyInput extends ReceiptEvidence, GreedyInput {
  readonly calibration?: Calibration;
}

/**
 * Judges one answer: the receipt is the provider's, the transcript is the receipt's, everything countable is right,
 * and every token is the one that the seed demands, or at level `greedy` the model's best.
 *
 * Evidence that does not concern the accused is refused instead of judged. Tensors are judged by `verifyTensors`.
 *
 * @throws DepinferError `receipt.badSignature`, `transcript.notOpening`, `verify.wrongClass` or `verify.notProvable`.
 */
export async function verifyReceipt({ engine, recoverAddress }: VerifyModules, input: VerifyInput): Promise<Verdict> {
  const opened = openReceipt(recoverAddress, input);
  const { proofLevel } = opened.receipt;
  switch (proofLevel) {
    case "seeded":
    // Hardware vouches for the program; the tokens can be computed again all the same.
    case "attested":
    case "attested-SIMULATED":
      return verifySeeded(
        engine,
        opened,
        input.calibration ?? calibrationFor(engine.description.classId),
        input.watch ?? {},
      );
    case "greedy":
      return verifyGreedy(engine, opened, input);
    case "replay":
    case "none":
      throw new DepinferError({
        code: "verify.notProvable",
        message: `The receipt's proof level is "${proofLevel}", which re-scoring cannot check`,
        remedy:
          proofLevel === "replay"
            ? "Compute the tensors again with an engine of the class, `verifyTensors`"
            : "Ask for the proof level `seeded` when the answer has to be provable",
        metadata: { proofLevel },
      });
  }
}

async function verifySeeded(
  engine: ScoringEngine,
  opened: OpenedReceipt,
  calibration: Calibration,
  { onScored, onMargin, signal }: VerifyWatch,
): Promise<Verdict> {
  const { receipt, receiptId, transcript, terms, generation, levelFaults } = opened;
  requireClass(calibration, engine.description.classId);
  if (terms.classId !== engine.description.classId) {
    throw new DepinferError({
      code: "verify.wrongClass",
      message: `The answer was asked of class ${terms.classId}, this engine is ${engine.description.classId}`,
      remedy: "Verify on a machine of that class: same weights, same engine build, same processor family",
      metadata: { wanted: terms.classId, have: engine.description.classId },
    });
  }
  if ("inputs" in generation.prompt) {
    return verifyVectors(engine, opened);
  }
  const seed = seedOfAnswer(terms, transcript.providerNonce, generation.seed);
  const prompt = engine.prompt(generation).tokens;
  const resumed = resumedTokens(terms);
  const begun = [...prompt, ...resumed];
  const faults = [
    ...levelFaults,
    ...structuralFaults(engine, { receipt, transcript, terms, generation, prompt, resumed, seed }),
  ];
  if (faults.length > 0) {
    return structuralFailure(opened, faults);
  }
  const shaping = createShaping(generation, engine.vocabulary, resumed);
  if (shaping === "forbidden") {
    return structuralFailure(opened, ["the answer that was gone on with does not follow its form"]);
  }
  if (shaping !== null) {
    const found = await engine.score(begun, transcript.outputTokens, undefined, shaping.window, {
      ...(onScored === undefined ? {} : { onScored: (position: number) => onScored(position + 1) }),
      ...(signal === undefined ? {} : { signal }),
    });
    const { temperature } = generation;
    const { positions, faults: shape } = shapedMargins(found, shaping, temperature, seed, calibration, resumed.length);
    for (const [index, margin] of positions.entries()) {
      onMargin?.(index, margin);
    }
    const statistic = summarise(positions);
    return shape.length > 0
      ? structuralFailure(opened, shape)
      : { ...judge(statistic, calibration), receiptId, statistic };
  }
  const keyOf = createPositionKeys(seed);
  const watched = onScored !== undefined || onMargin !== undefined;
  const scored = await engine.score(begun, transcript.outputTokens, undefined, undefined, {
    ...(signal === undefined ? {} : { signal }),
    ...(watched
      ? {
          onScored(position: number, found: ScoredPosition) {
            const key = keyOf(resumed.length + position);
            onMargin?.(position, positionMargin(found, generation.temperature, key, calibration));
            onScored?.(position + 1);
          },
        }
      : {}),
  });
  const statistic = marginStatistic(scored, generation.temperature, seed, calibration, resumed.length);
  return { ...judge(statistic, calibration), receiptId, statistic };
}

function requireClass({ classId }: Calibration, wanted: Hex): void {
  if (classId !== null && classId !== wanted) {
    throw new DepinferError({
      code: "calibration.otherClass",
      message: `The calibration is for class ${classId}, the engine is ${wanted}`,
      remedy: "Thresholds of one class say nothing about another; calibrate this one with `depinfer calibrate`",
      metadata: { calibrated: classId, wanted },
    });
  }
}
