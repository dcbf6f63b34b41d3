import { recoverAddress } from "@depinfer/chain";
import {
  type CpuLibrary,
  createLlamaEngine,
  createUpstreamReference,
  type LlamaEngineOptions,
  openReceipt,
  type ReceiptEvidence,
  type ScoringEngine,
  type VerifyWatch,
  verifyGreedy,
  verifyReceipt,
} from "@depinfer/inference";
import type { Verdict } from "@depinfer/proof";
import { DepinferError, type RuntimeClass } from "@depinfer/protocol";
import { readCalibration } from "./calibration-file.ts";
import { resolveModel } from "./model-file.ts";

export interface JudgeOptions {
  /** Path of the network's file; calibrations that were made here lie beside it. */
  readonly networkFile: string;
  /** Weights to compute with: a GGUF reference, or the path of an ONNX file for tensors. */
  readonly model?: string | undefined;
  readonly cpuLibrary?: CpuLibrary | undefined;
  /** A second server of the same model that judges instead of weights on this machine; for level `greedy`. */
  readonly against?: string | undefined;
  readonly watch?: VerifyWatch;
  /** Lends an engine; by default one is loaded for this judgement alone. */
  readonly lendEngine?: LendEngine;
}

/** Has an engine of these weights do `work`. */
export type LendEngine = <Result>(
  options: LlamaEngineOptions,
  work: (engine: ScoringEngine) => Promise<Result>,
) => Promise<Result>;

/** Judges an answer in the way that its level allows. @throws what the verifier of the level throws. */
export async function judgeByLevel(
  evidence: ReceiptEvidence,
  runtimeClass: RuntimeClass | undefined,
  options: JudgeOptions,
): Promise<Verdict> {
  const { proofLevel } = evidence.signed.receipt;
  if (proofLevel === "replay") {
    return judgeTensors(evidence, runtimeClass, options.model);
  }
  return proofLevel === "greedy" && options.against !== undefined
    ? judgeAgainst(evidence, runtimeClass, options.against)
    : judgeHere(evidence, runtimeClass, options);
}

async function judgeHere(
  evidence: ReceiptEvidence,
  runtimeClass: RuntimeClass | undefined,
  { networkFile, model, cpuLibrary, watch, lendEngine = loadForOnce }: JudgeOptions,
): Promise<Verdict> {
  const weights = { modelPath: await resolveModel(model), ...(cpuLibrary === undefined ? {} : { cpuLibrary }) };
  return lendEngine(weights, (engine) =>
    verifyReceipt(
      { engine, recoverAddress },
      {
        ...evidence,
        calibration: readCalibration(networkFile, engine.description.classId),
        ...(runtimeClass === undefined ? {} : { runtimeClass }),
        ...(watch === undefined ? {} : { watch }),
      },
    ),
  );
}

async function loadForOnce<Result>(
  options: LlamaEngineOptions,
  work: (engine: ScoringEngine) => Promise<Result>,
): Promise<Result> {
  const engine = await createLlamaEngine(options);
  try {
    return await work(engine);
  } finally {
    await engine.dispose();
  }
}

async function judgeAgainst(
  evidence: ReceiptEvidence,
  runtimeClass: RuntimeClass | undefined,
  url: string,
): Promise<Verdict> {
  // Whoever names the server says that it has these weights.
  const reference = await createUpstreamReference({
    url,
    ...(runtimeClass === undefined ? {} : { weights: runtimeClass.weights }),
  });
  try {
    const opened = openReceipt(recoverAddress, evidence);
    return await verifyGreedy(reference, opened, runtimeClass === undefined ? {} : { runtimeClass });
  } finally {
    await reference.close();
  }
}

/** On the answer's own class bit by bit, else by two other classes of the same file on this machine. */
async function judgeTensors(
  evidence: ReceiptEvidence,
  runtimeClass: RuntimeClass | undefined,
  modelPath: string | undefined,
): Promise<Verdict> {
  if (modelPath === undefined) {
    throw new DepinferError({
      code: "verify.noModel",
      message: "An answer of tensors can be checked only with its model",
      remedy: "Pass the ONNX file with --model",
    });
  }
  const { createOnnxEngine, judgeBetweenClasses, verifyTensors } = await import("@depinfer/inference/onnx");
  const engine = await createOnnxEngine({ modelPath });
  try {
    if (engine.description.classId === evidence.signed.receipt.classId || runtimeClass === undefined) {
      return await verifyTensors({ engine, recoverAddress }, evidence);
    }
    const other = await createOnnxEngine({ modelPath, optimisation: "disabled" });
    try {
      return await judgeBetweenClasses({ references: [engine, other], recoverAddress }, evidence, runtimeClass);
    } finally {
      await other.dispose();
    }
  } finally {
    await engine.dispose();
  }
}
