import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import {
  classId,
  DepinferError,
  digestSha256,
  errorMessage,
  type NamedTensors,
  type RuntimeClass,
  TENSOR_SAMPLER,
  toHex,
  utf8,
} from "@depinfer/protocol";
import { env, InferenceSession } from "onnxruntime-node";
import type { EngineDescription } from "../engine.ts";
import { createSlots } from "../slots.ts";
import type { TensorEngine } from "../tensor-engine.ts";
import { cpuFamily } from "./cpu-family.ts";
import { fromTensor, toTensor } from "./tensor-bytes.ts";

export interface OnnxEngineOptions {
  /** Path of a model file that holds its weights. */
  readonly modelPath: string;
  /** Name in offers; the file's by default. */
  readonly modelName?: string;
  /** How far the graph is rewritten before it runs; another one is another class. */
  readonly optimisation?: OnnxOptimisation;
  /** Threads within an operator; another number splits sums elsewhere, so it is another class. */
  readonly threads?: number;
  /** Words of four bytes that an input may have. */
  readonly inputWords?: number;
}
export type OnnxOptimisation = "disabled" | "basic" | "extended" | "all";

const DEFAULT_INPUT_WORDS = 1 << 20;

/**
 * ONNX Runtime on the processor, one operator after the other, on one thread by default: with the order of every sum
 * fixed, machines of one family give the same bits.
 *
 * @throws DepinferError `model.missing` or `model.corrupt`.
 */
export async function createOnnxEngine(options: OnnxEngineOptions): Promise<TensorEngine> {
  const { modelPath, optimisation = "all", threads = 1 } = options;
  const model = await readModel(modelPath);
  const session = await InferenceSession.create(model, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: optimisation,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
  }).catch((cause: unknown) => {
    throw new DepinferError({
      code: "model.corrupt",
      message: `The model file ${modelPath} is not usable: ${errorMessage(cause)}`,
      remedy: "Export it again as one file, with operators that ONNX Runtime has",
      metadata: { path: modelPath },
      cause,
    });
  });
  const nothing = toHex(digestSha256(utf8("depinfer/no-text/1\n")));
  const runtimeClass: RuntimeClass = {
    weights: `0x${createHash("sha256").update(model).digest("hex")}`,
    quantisation: "as in the file",
    tokenizer: nothing,
    chatTemplate: nothing,
    engine: `onnxruntime ${env.versions.node ?? env.versions.common}, cpu provider, ${threads} threads, optimisation ${optimisation}`,
    backend: `cpu/${cpuFamily()}`,
    flashAttention: false,
    keyCache: "none",
    valueCache: "none",
    microBatch: 1,
    sampler: TENSOR_SAMPLER,
  };
  const description: EngineDescription = {
    model: options.modelName ?? basename(modelPath),
    runtimeClass,
    classId: classId(runtimeClass),
    proofLevel: "replay",
    contextLength: options.inputWords ?? DEFAULT_INPUT_WORDS,
    slots: 1,
  };
  const slots = createSlots([session]);
  return {
    description,
    infer: (inputs) =>
      slots.run(async (place) => {
        requireNames(place.inputNames, inputs);
        const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toTensor(tensor)]));
        const outputs = await place.run(feeds).catch((cause: unknown) => {
          throw badInput(`the model does not take it: ${errorMessage(cause)}`, cause);
        });
        return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(name, tensor)]));
      }),
    dispose: () => session.release(),
  };
}

async function readModel(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new DepinferError({
      code: "model.missing",
      message: `The model file ${path} cannot be read: ${errorMessage(cause)}`,
      remedy: "Check the path, and that this user may read it",
      metadata: { path },
      cause,
    });
  }
}

function requireNames(wanted: readonly string[], inputs: NamedTensors): void {
  const given = Object.keys(inputs);
  const missing = wanted.filter((name) => !given.includes(name));
  const unknown = given.filter((name) => !wanted.includes(name));
  if (missing.length > 0 || unknown.length > 0) {
    throw badInput(`it takes ${wanted.join(", ")}, and was given ${given.length === 0 ? "nothing" : given.join(", ")}`);
  }
}

function badInput(why: string, cause?: unknown): DepinferError {
  return new DepinferError({
    code: "tensor.badInput",
    message: `The input does not fit the model: ${why}`,
    remedy: "Send tensors with the names, types and shapes of the model's inputs",
    cause,
  });
}
