import type { NamedTensors } from "@depinfer/protocol";
import type { EngineDescription } from "./engine.ts";

/** Something that turns tensors into tensors. Nothing is drawn, so one input has one output, bit by bit, in a class. */
export interface TensorEngine {
  /** `contextLength` counts the words of four bytes that an input may have. */
  readonly description: EngineDescription;
  /**
   * @throws DepinferError `tensor.badInput` when names, types or shapes are not the model's.
   */
  infer(inputs: NamedTensors): Promise<NamedTensors>;
  dispose(): Promise<void>;
}
