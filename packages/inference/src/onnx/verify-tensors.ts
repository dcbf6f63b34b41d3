import { type Judgement, promptHash, transcriptRoot, type Verdict } from "@depinfer/proof";
import {
  classId,
  DepinferError,
  errorCode,
  type Hex,
  type NamedTensors,
  parseTensorText,
  type RuntimeClass,
  tensorText,
  tensorWords,
} from "@depinfer/protocol";
import {
  countableFaults,
  type OpenedReceipt,
  openReceipt,
  type ReceiptEvidence,
  structuralFailure,
} from "../opened-receipt.ts";
import type { TensorEngine } from "../tensor-engine.ts";
import { tensorsOf } from "../tensor-prompt.ts";
import { type TensorDistance, tensorDistance } from "./compare-tensors.ts";

type Recover = (digest: Uint8Array, signature: Hex) => Hex;

/**
 * Judges an answer of level `replay` on its own class: every bit of the output has to come out again.
 *
 * @throws DepinferError `receipt.badSignature`, `transcript.notOpening`, `verify.notProvable` or `verify.wrongClass`.
 */
export async function verifyTensors(
  { engine, recoverAddress }: { readonly engine: TensorEngine; readonly recoverAddress: Recover },
  evidence: ReceiptEvidence,
): Promise<Verdict> {
  const opened = open(recoverAddress, evidence);
  const { classId: wanted } = opened.receipt;
  if (wanted !== engine.description.classId) {
    throw wrongClass(wanted, engine.description.classId, "Judge between classes, with two engines of other classes");
  }
  const { inputs, outputs, faults } = contentOf(opened);
  if (faults.length > 0) {
    return structuralFailure(opened, faults);
  }
  const found = await engine.infer(inputs);
  if (outputs === null) {
    return verdictOnPart(opened, found);
  }
  const distance = tensorDistance(found, outputs);
  const { differing, elements, relative } = distance;
  return differing === 0
    ? verdictOf(opened, distance, "pass", `all ${elements} elements are the same bit by bit`)
    : verdictOf(
        opened,
        distance,
        "fail",
        `${differing} of ${elements} elements differ, by up to ${relative.toExponential(1)} of the largest`,
      );
}

/**
 * Largest |Δ| against a tensor's largest magnitude that two classes of one model may have. The `tensors` benchmark found
 * a fortieth of it between optimisation levels and numbers of threads, and 8-bit weights thirty times above it, for a
 * model of two layers. Deeper models need a tolerance of their own.
 */
export const REPLAY_TOLERANCE = 1e-5;

/**
 * Judges an answer of level `replay` where nobody of its class is at hand: by two engines with the same weights, of two
 * other classes, so that neither alone decides. They have to agree with each other before they may disagree with it.
 *
 * @param runtimeClass the parts behind the receipt's class, as the provider's offer shows them.
 * @throws DepinferError as `verifyTensors`; `verify.wrongClass` when the weights are others or the two are of one class.
 */
export async function judgeBetweenClasses(
  {
    references: [first, second],
    recoverAddress,
  }: { readonly references: readonly [TensorEngine, TensorEngine]; readonly recoverAddress: Recover },
  evidence: ReceiptEvidence,
  runtimeClass: RuntimeClass,
  tolerance = REPLAY_TOLERANCE,
): Promise<Verdict> {
  const opened = open(recoverAddress, evidence);
  requireQuorum(opened.receipt.classId, runtimeClass, first, second);
  const { inputs, outputs, faults } = contentOf(opened);
  if (faults.length > 0) {
    return structuralFailure(opened, faults);
  }
  if (outputs === null) {
    const nothing = { elements: 0, differing: 0, relative: 0 };
    return verdictOf(
      opened,
      nothing,
      "inconclusive",
      "it was cancelled, and a part can be judged on its own class only",
    );
  }
  const [one, two] = [await first.infer(inputs), await second.infer(inputs)];
  const between = tensorDistance(one, two).relative;
  const [near, far] = [tensorDistance(one, outputs), tensorDistance(two, outputs)];
  const distance = near.relative >= far.relative ? near : far;
  const found = `the answer is ${near.relative.toExponential(1)} and ${far.relative.toExponential(1)} of the largest element away from two other classes`;
  if (between > tolerance) {
    const apart = `${found}, which are ${between.toExponential(1)} apart themselves`;
    return verdictOf(opened, distance, "inconclusive", apart);
  }
  const within = [near, far].filter(({ relative }) => relative <= tolerance).length;
  const verdict = within === 2 ? "pass" : within === 0 ? "fail" : "inconclusive";
  return verdictOf(opened, distance, verdict, `${found}; up to ${tolerance} is honest`);
}

/** Elements stand where tokens stand for text. Nothing is drawn, so no chance speaks for or against anybody. */
function verdictOf(
  { receiptId }: OpenedReceipt,
  { elements, differing }: TensorDistance,
  verdict: Judgement["verdict"],
  reason: string,
): Verdict {
  return {
    verdict,
    reason,
    receiptId,
    statistic: { tokens: elements, informative: elements, mismatches: differing, meanMargin: 0, margins: [] },
    pValue: verdict === "fail" ? 0 : null,
    falsePass: null,
    tokensNeeded: null,
  };
}

function open(recoverAddress: Recover, evidence: ReceiptEvidence): OpenedReceipt {
  const opened = openReceipt(recoverAddress, evidence);
  if (opened.terms.endpoint !== "infer") {
    throw new DepinferError({
      code: "verify.notProvable",
      message: `The request was for ${opened.terms.endpoint}, which has no tensors`,
      remedy: "Score it again with an engine of text",
      metadata: { endpoint: opened.terms.endpoint },
    });
  }
  return opened;
}

interface Content {
  readonly inputs: NamedTensors;
  /** Null when the request was cancelled before the whole text was delivered. */
  readonly outputs: NamedTensors | null;
  readonly faults: readonly string[];
}

/** What went in and came out, and everything countable that is wrong: hashes of request and text cover every bit. */
function contentOf(opened: OpenedReceipt): Content {
  const { receipt, transcript, levelFaults } = opened;
  const inputs = tensorsOf(opened.generation);
  const outputs = outputsIn(transcript.text);
  const cancelled = receipt.stopReason === "cancelled";
  const faults = [
    ...levelFaults,
    ...countableFaults(opened, {
      proofLevel: "replay",
      stopReason: cancelled ? "cancelled" : "end",
      promptHash: promptHash([]),
      transcriptRoot: transcriptRoot([]),
      promptTokens: tensorWords(inputs),
      // Of a cancelled answer the pieces are paid that were delivered, which the buyer has counted.
      outputTokens: cancelled || outputs === null ? receipt.outputTokens : tensorWords(outputs),
    }),
  ];
  if (outputs === null && !cancelled) {
    faults.push("the delivered text is not the canonical text of tensors");
  }
  return { inputs, outputs, faults };
}

/** A part of the answer has to be the beginning of its text. */
function verdictOnPart(opened: OpenedReceipt, found: NamedTensors): Verdict {
  const text = tensorText(found);
  const delivered = opened.transcript.text;
  if (!text.startsWith(delivered) || opened.receipt.outputTokens > tensorWords(found)) {
    return structuralFailure(opened, ["the delivered part is not the beginning of the answer"]);
  }
  const nothing = { elements: 0, differing: 0, relative: 0 };
  return verdictOf(
    opened,
    nothing,
    "pass",
    `it was cancelled; the ${delivered.length} characters that came are the beginning of the answer`,
  );
}

function outputsIn(text: string): NamedTensors | null {
  try {
    return parseTensorText(text);
  } catch (error) {
    if (errorCode(error) === "tensor.badText") {
      return null;
    }
    throw error;
  }
}

function requireQuorum(wanted: Hex, runtimeClass: RuntimeClass, first: TensorEngine, second: TensorEngine): void {
  const known = classId(runtimeClass);
  if (known !== wanted) {
    throw wrongClass(wanted, known, "Pass the runtime class that the provider's offer shows");
  }
  for (const { description } of [first, second]) {
    if (description.runtimeClass.weights !== runtimeClass.weights) {
      throw wrongClass(wanted, description.classId, "Load the same model file; this one has other weights");
    }
  }
  if (first.description.classId === second.description.classId) {
    throw wrongClass(
      wanted,
      first.description.classId,
      "Use two engines of different classes; one opinion is no quorum",
    );
  }
}

function wrongClass(wanted: Hex, have: Hex, remedy: string): DepinferError {
  return new DepinferError({
    code: "verify.wrongClass",
    message: `The answer was asked of class ${wanted}, this is ${have}`,
    remedy,
    metadata: { wanted, have },
  });
}
