import { deriveSeed, seedCommitment, type VerdictKind } from "@depinfer/proof";
import {
  classId,
  costDown,
  DepinferError,
  decodeRequest,
  type Hex,
  meetsLevel,
  type NamedTensors,
  parseTensorBody,
  type Receipt,
  type RequestTerms,
  type RuntimeClass,
  requestHash,
  tensorsHash,
} from "@depinfer/protocol";
import { checkReceiptKey, type ReceiptEvidence } from "../opened-receipt.ts";
import { notOpening } from "../receipt-structure.ts";
import type { TensorEngine } from "../tensor-engine.ts";
import { type TensorDistance, tensorDistance } from "./compare-tensors.ts";
import { tensorReceiptFields } from "./tensor-receipt.ts";

/** A receipt about tensors, with what it signs for. */
export interface TensorEvidence extends Omit<ReceiptEvidence, "transcript"> {
  readonly transcript: {
    /** The REQ payload. */
    readonly request: Uint8Array;
    readonly providerNonce: Hex;
    readonly outputs: NamedTensors;
  };
}

export interface TensorVerdict {
  readonly verdict: VerdictKind;
  /** One sentence for people. */
  readonly reason: string;
  readonly receiptId: Hex;
  /** From what was computed again; null where something countable was wrong and nothing was computed. */
  readonly distance: TensorDistance | null;
}

type Recover = (digest: Uint8Array, signature: Hex) => Hex;

interface OpenedTensors {
  readonly receipt: Receipt;
  readonly receiptId: Hex;
  readonly inputs: NamedTensors;
  readonly outputs: NamedTensors;
  readonly faults: readonly string[];
}

/**
 * Judges an answer of level `replay` on its own class: every bit of the output has to come out again.
 *
 * @throws DepinferError `receipt.badSignature`, `transcript.notOpening` or `verify.wrongClass`.
 */
export async function verifyTensors(
  { engine, recoverAddress }: { readonly engine: TensorEngine; readonly recoverAddress: Recover },
  evidence: TensorEvidence,
): Promise<TensorVerdict> {
  const opened = open(recoverAddress, evidence);
  const { receipt, receiptId, inputs, outputs, faults } = opened;
  if (receipt.classId !== engine.description.classId) {
    throw wrongClass(receipt.classId, engine.description.classId, "Use `judgeBetweenClasses` with two other classes");
  }
  if (faults.length > 0) {
    return { verdict: "fail", reason: faults.join("; "), receiptId, distance: null };
  }
  const distance = tensorDistance(await engine.infer(inputs), outputs);
  return distance.differing === 0
    ? { verdict: "pass", reason: `all ${distance.elements} elements are the same bit by bit`, receiptId, distance }
    : {
        verdict: "fail",
        reason: `${distance.differing} of ${distance.elements} elements differ, by up to ${distance.relative.toExponential(1)} of the largest`,
        receiptId,
        distance,
      };
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
 * @throws DepinferError `receipt.badSignature`, `transcript.notOpening`, or `verify.wrongClass` when the weights are
 *   others or the two are of one class.
 */
export async function judgeBetweenClasses(
  {
    references: [first, second],
    recoverAddress,
  }: { readonly references: readonly [TensorEngine, TensorEngine]; readonly recoverAddress: Recover },
  evidence: TensorEvidence,
  runtimeClass: RuntimeClass,
  tolerance = REPLAY_TOLERANCE,
): Promise<TensorVerdict> {
  const { receipt, receiptId, inputs, outputs, faults } = open(recoverAddress, evidence);
  requireQuorum(receipt.classId, runtimeClass, first, second);
  if (faults.length > 0) {
    return { verdict: "fail", reason: faults.join("; "), receiptId, distance: null };
  }
  const [one, two] = [await first.infer(inputs), await second.infer(inputs)];
  const between = tensorDistance(one, two).relative;
  const [near, far] = [tensorDistance(one, outputs), tensorDistance(two, outputs)];
  const distance = near.relative >= far.relative ? near : far;
  const found = `the answer is ${near.relative.toExponential(1)} and ${far.relative.toExponential(1)} of the largest element away from two other classes`;
  if (between > tolerance) {
    const apart = `${found}, which are ${between.toExponential(1)} apart themselves`;
    return { verdict: "inconclusive", reason: apart, receiptId, distance };
  }
  const within = [near, far].filter(({ relative }) => relative <= tolerance).length;
  const verdict = within === 2 ? "pass" : within === 0 ? "fail" : "inconclusive";
  return { verdict, reason: `${found}; up to ${tolerance} is honest`, receiptId, distance };
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

function open(recoverAddress: Recover, evidence: TensorEvidence): OpenedTensors {
  const { transcript, signed } = evidence;
  const { receipt } = signed;
  const receiptId = checkReceiptKey(recoverAddress, evidence);
  const { request, outputs, providerNonce } = transcript;
  if (requestHash(request) !== receipt.requestHash) {
    throw notOpening("request", requestHash(request), receipt.requestHash);
  }
  if (tensorsHash(outputs) !== receipt.transcriptRoot) {
    throw notOpening("tensors", tensorsHash(outputs), receipt.transcriptRoot);
  }
  const { terms, body } = decodeRequest(request);
  const { inputs, minProofLevel } = parseTensorBody(body);
  const seed = deriveSeed({ ...terms, providerNonce, userSeed: null });
  const faults = countableFaults(receipt, terms, tensorReceiptFields(inputs, outputs), seedCommitment(seed));
  if (minProofLevel !== null && !meetsLevel(receipt.proofLevel, minProofLevel)) {
    faults.push(`the request demanded at least ${minProofLevel}, the answer is ${receipt.proofLevel}`);
  }
  return { receipt, receiptId, inputs, outputs, faults };
}

function countableFaults(
  receipt: Receipt,
  terms: RequestTerms,
  wanted: ReturnType<typeof tensorReceiptFields>,
  commitment: Hex,
): string[] {
  const { requestId, classId: wantedClass, channelId, prices } = terms;
  const expected: Partial<Receipt> = {
    ...wanted,
    requestId,
    classId: wantedClass,
    channelId,
    seedCommitment: commitment,
    cost: costDown(wanted, prices),
  };
  const given = new Map<string, unknown>(Object.entries(receipt));
  return Object.entries(expected)
    .filter(([name, value]) => given.get(name) !== value)
    .map(([name, value]) => `${name} is ${String(given.get(name))} in the receipt and should be ${String(value)}`);
}

function wrongClass(wanted: Hex, have: Hex, remedy: string): DepinferError {
  return new DepinferError({
    code: "verify.wrongClass",
    message: `The answer was asked of class ${wanted}, this is ${have}`,
    remedy,
    metadata: { wanted, have },
  });
}
